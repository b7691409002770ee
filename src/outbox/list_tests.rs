//! Lists that grow too long for their recipient's platform.

use super::{
    BATCH_EVERY, Class, Courier, Found, Post, Push, Target,
    queue::{due, roles_due},
    write,
};
use crate::{
    channels::{Ability, Outcome, Way, simulator},
    clock::{Clock, MINUTE, parse},
    db::{Db, Tx},
    error::Result,
    message::{Address, Millis, Reply},
    metrics::Metrics,
    seal::Keys,
};
use sqlx::{AssertSqlSafe, Row};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio_util::sync::CancellationToken;

/// A platform that takes this much in one message.
const ROOM: usize = 200;

#[derive(Default)]
struct Platform(Mutex<Vec<String>>);

impl Post for Platform {
    async fn find(&self, _: &mut Tx, target: &Target, _: Option<i64>) -> Result<Found> {
        if let Target::Role { role, .. } = target {
            let holders = vec![Target::Group("g".into()), Target::Group("h".into())];
            return Ok(if role == "nobody" { Found::Addresses(Vec::new()) } else { Found::Targets(holders) });
        }
        Ok(Found::Addresses(vec![Address { channel: "p".into(), account: "g".into(), group: Some("g".into()) }]))
    }
    async fn send(&self, _: &Address, _: &Way, reply: &Reply) -> Outcome {
        self.0.lock().unwrap().push(reply.text.clone());
        Outcome::Sent(None)
    }
    fn channels(&self) -> Vec<String> {
        vec!["p".into()]
    }
    fn ability(&self, _: &str) -> Option<Ability> {
        Some(Ability {
            kind: "p",
            answers: false,
            max_bytes: ROOM,
            windowed: false,
            chips: false,
            monthly_calls: None,
            ..simulator::ABILITY
        })
    }
    fn has_template(&self, _: &str) -> bool {
        false
    }
    fn neutral(&self) -> Reply {
        Reply::text("neutral")
    }
    fn merged(&self, replies: &[Reply]) -> Reply {
        let all: Vec<&str> = replies.iter().map(|reply| reply.text.as_str()).collect();
        Reply::text(format!("{}:\n\n{}", all.len(), all.join("\n\n")))
    }
    fn quota_warning(&self, _: &str, _: i64, _: i64) -> Vec<Push> {
        Vec::new()
    }
}

#[tokio::test]
async fn what_has_no_room_in_a_list_comes_with_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite://{}/t.db", folder.path().display()), 2).await.unwrap();
    db.migrate().await.unwrap();
    let keys = Keys::new(&[7; 32], &[]);
    let clock = Clock::starting_at(parse("2026-11-23T10:00:00+08:00").unwrap());
    // Two of the long ones have no room in one list.
    let words: Vec<String> = (0..10).map(|n| format!("{n}{}", "-".repeat(if n < 6 { 40 } else { 80 }))).collect();
    put(&db, &keys, &Target::Group("g".into()), &words, clock.now()).await;

    let platform = Arc::new(Platform::default());
    for _ in 0..10 {
        deliver(&db, &clock, &keys, &platform).await;
        clock.advance(BATCH_EVERY);
    }
    let lists = platform.0.lock().unwrap().clone();
    let parts: Vec<&str> = lists.iter().flat_map(|list| list.split("\n\n")).filter(|part| !part.ends_with(':')).collect();
    assert_eq!(parts, words, "all of it, in order");
    assert!(lists.iter().all(|list| list.len() <= ROOM), "{lists:?}");
    assert!(!lists.iter().any(|list| list.starts_with("1:")), "one alone is no list: {lists:?}");
}

#[tokio::test]
async fn what_a_role_gets_after_a_list_waits_for_the_next_and_is_not_looked_at_before() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite://{}/t.db", folder.path().display()), 2).await.unwrap();
    db.migrate().await.unwrap();
    let keys = Keys::new(&[7; 32], &[]);
    let clock = Clock::standing_at(parse("2026-11-23T10:00:00+08:00").unwrap());
    let platform = Arc::new(Platform::default());
    let role = |role: &str| Target::Role { role: role.into(), area: "131122".into(), unit: None };
    put(&db, &keys, &role("intake"), &["first".to_owned()], clock.now()).await;
    deliver(&db, &clock, &keys, &platform).await;
    assert_eq!(*platform.0.lock().unwrap(), ["first", "first"], "both groups, at once");

    // More than are replaced in one transaction, and one that nobody gets.
    clock.advance(MINUTE);
    let words: Vec<String> = (0..150).map(|n| format!("{n}.")).collect();
    put(&db, &keys, &role("nobody"), &["lost".to_owned()], clock.now()).await;
    put(&db, &keys, &role("intake"), &words, clock.now()).await;
    let (courier, _wake) = Courier::new(db.clone(), clock.clone(), keys.clone(), platform.clone(), Metrics::default());
    let mut tx = db.write().await.unwrap();
    let roles = roles_due(&mut tx, &keys, 64, clock.now()).await.unwrap();
    courier.expand(&mut tx, &roles, clock.now()).await.unwrap();
    assert!(due(&mut tx, &keys, "", 64, clock.now()).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    deliver(&db, &clock, &keys, &platform).await;
    let rows = |which: &'static str| {
        let db = db.clone();
        async move {
            let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM outbox WHERE {which}"));
            sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *db.read().await.unwrap()).await.unwrap()
        }
    };
    assert_eq!(rows("why = 'given to the holders' AND state = 'superseded'").await, 151);
    assert_eq!(rows("why = 'nobody holds the role' AND state = 'undeliverable'").await, 1);
    let next = clock.now() - MINUTE + BATCH_EVERY;
    let waiting: Vec<(String, i64)> =
        sqlx::query("SELECT lane, not_before FROM outbox WHERE state = 'pending' AND lane <> '' ORDER BY at, id")
            .map(|row: sqlx::any::AnyRow| (row.get(0), row.get(1)))
            .fetch_all(&mut *db.read().await.unwrap())
            .await
            .unwrap();
    assert_eq!(waiting.len(), 300);
    assert!(waiting.iter().all(|(_, at)| *at == next), "{:?}", waiting[0]);

    clock.advance(BATCH_EVERY - MINUTE);
    deliver(&db, &clock, &keys, &platform).await;
    let lists = platform.0.lock().unwrap()[2..].to_vec();
    assert_eq!(lists.len(), 2);
    for list in lists {
        let parts: Vec<&str> = list.split("\n\n").skip(1).collect();
        assert!(parts.len() > 20, "{list}");
        assert_eq!(parts, words[..parts.len()], "the oldest, in order");
    }
}

/// Writes messages for lists.
async fn put(db: &Db, keys: &Keys, target: &Target, words: &[String], now: Millis) {
    let mut tx = db.write().await.unwrap();
    let mut messages = Vec::new();
    for words in words {
        let target = target.clone();
        let push = Push { target, ticket: None, class: Class::Batch, reply: Reply::text(words), except: None, urgent: false };
        messages.push((tx.id().unwrap(), "turn".to_owned(), false, push));
    }
    write(&mut tx, keys, &messages, &HashMap::new(), now).await.unwrap();
    tx.commit().await.unwrap();
}

/// Lets a courier send what is due.
async fn deliver(db: &Db, clock: &Clock, keys: &Keys, platform: &Arc<Platform>) {
    let stop = CancellationToken::new();
    let (courier, _wake) = Courier::new(db.clone(), clock.clone(), keys.clone(), platform.clone(), Metrics::default());
    let running = tokio::spawn(courier.run(stop.clone()));
    until_sent(db, clock.now()).await;
    stop.cancel();
    running.await.unwrap();
}

/// Waits until nothing is due and nothing is on its way.
async fn until_sent(db: &Db, now: Millis) {
    let left = "SELECT COUNT(*) FROM outbox WHERE state = 'sending' OR (state = 'pending' AND not_before <= $1)";
    for _ in 0..3_000 {
        let left: i64 = sqlx::query_scalar(left).bind(now).fetch_one(&mut *db.read().await.unwrap()).await.unwrap();
        if left == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the courier did not finish");
}
