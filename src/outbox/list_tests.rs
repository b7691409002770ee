//! Lists: what they have room for, when they go, and how what is for a role gets into those of its holders.

use super::{
    BATCH_EVERY, Class, Courier, Found, Post, Push, Target, WORTH,
    queue::{due, roles_due},
    write,
};
use crate::{
    channels::{Ability, Outcome, Way, simulator},
    clock::{Clock, HOUR, MINUTE, parse},
    db::{Db, Tx},
    error::Result,
    message::{Address, Millis, Reply},
    metrics::Metrics,
    seal::Keys,
};
use sqlx::AssertSqlSafe;
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
        let groups = |count: i64| Found::Targets((0..count).map(|n| Target::Group(format!("g{n}"))).collect());
        match target {
            Target::Role { role, .. } if role == "nobody" => return Ok(Found::Addresses(Vec::new())),
            Target::Role { role, .. } if role == "crowd" => return Ok(groups(300)),
            Target::Role { .. } => return Ok(groups(2)),
            _ => {}
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

/// A database, a clock that stands at ten in the morning, and the platform.
struct Scene {
    db: Db,
    clock: Clock,
    keys: Keys,
    platform: Arc<Platform>,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/t.db", folder.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let clock = Clock::standing_at(parse("2026-11-23T10:00:00+08:00").unwrap());
        Scene { db, clock, keys: Keys::new(&[7; 32], &[]), platform: Arc::default(), _folder: folder }
    }

    /// Writes messages, as of a moment.
    async fn put(&self, target: &Target, class: Class, words: &[impl AsRef<str>], at: Millis) {
        let mut tx = self.db.write().await.unwrap();
        let mut messages = Vec::new();
        for words in words {
            let reply = Reply::text(words.as_ref());
            let push = Push { target: target.clone(), ticket: None, class, reply, except: None, urgent: false };
            messages.push((tx.id().unwrap(), "turn".to_owned(), false, push));
        }
        write(&mut tx, &self.keys, &messages, &HashMap::new(), at).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn courier(&self) -> Courier<Platform> {
        Courier::new(self.db.clone(), self.clock.clone(), self.keys.clone(), self.platform.clone(), Metrics::default()).0
    }

    /// One round's replacing of roles, and what is due after it.
    async fn expand(&self) -> usize {
        let mut tx = self.db.write().await.unwrap();
        let roles = roles_due(&mut tx, &self.keys, 64, self.clock.now()).await.unwrap();
        self.courier().expand(&mut tx, &roles, self.clock.now()).await.unwrap();
        let due = due(&mut tx, &self.keys, "", 64, self.clock.now()).await.unwrap().len();
        tx.commit().await.unwrap();
        due
    }

    /// Lets a courier send what is due, and gives what was sent.
    async fn deliver(&self) -> Vec<String> {
        let stop = CancellationToken::new();
        let running = tokio::spawn(self.courier().run(stop.clone()));
        let now = self.clock.now();
        let left = format!("state = 'sending' OR (state = 'pending' AND not_before <= {now})");
        for _ in 0..3_000 {
            if self.count(&left).await == 0 {
                stop.cancel();
                running.await.unwrap();
                return std::mem::take(&mut *self.platform.0.lock().unwrap());
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the courier did not finish");
    }

    async fn count(&self, which: &str) -> i64 {
        let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM outbox WHERE {which}"));
        sqlx::query_scalar(sql).fetch_one(&mut *self.db.read().await.unwrap()).await.unwrap()
    }
}

fn role(role: &str) -> Target {
    Target::Role { role: role.into(), area: "131122".into(), unit: None }
}

#[tokio::test]
async fn what_has_no_room_in_a_list_comes_with_the_next() {
    let scene = Scene::new().await;
    // Two of the long ones have no room in one list.
    let words: Vec<String> = (0..10).map(|n| format!("{n}{}", "-".repeat(if n < 6 { 40 } else { 80 }))).collect();
    scene.put(&Target::Group("g".into()), Class::Batch, &words, scene.clock.now()).await;
    let mut lists = Vec::new();
    for _ in 0..10 {
        lists.extend(scene.deliver().await);
        scene.clock.advance(BATCH_EVERY);
    }
    let parts: Vec<&str> = lists.iter().flat_map(|list| list.split("\n\n")).filter(|part| !part.ends_with(':')).collect();
    assert_eq!(parts, words, "all of it, in order");
    assert!(lists.iter().all(|list| list.len() <= ROOM), "{lists:?}");
    assert!(!lists.iter().any(|list| list.starts_with("1:")), "one alone is no list: {lists:?}");
}

#[tokio::test]
async fn what_a_role_gets_after_a_list_waits_for_the_next_and_is_not_looked_at_before() {
    let scene = Scene::new().await;
    scene.put(&role("intake"), Class::Batch, &["first"], scene.clock.now()).await;
    assert_eq!(scene.deliver().await, ["first", "first"], "both groups, at once");

    // More than are replaced in one transaction, and one that nobody gets.
    scene.clock.advance(MINUTE);
    let words: Vec<String> = (0..150).map(|n| format!("{n}.")).collect();
    scene.put(&role("nobody"), Class::Batch, &["lost"], scene.clock.now()).await;
    scene.put(&role("intake"), Class::Batch, &words, scene.clock.now()).await;
    assert_eq!(scene.expand().await, 0);
    scene.put(&role("intake"), Class::Now, &["soon"], scene.clock.now()).await;
    assert_eq!(scene.deliver().await, ["soon", "soon"], "what is no part of a list waits for none");
    assert_eq!(scene.count("why = 'given to the holders' AND state = 'superseded'").await, 152);
    assert_eq!(scene.count("why = 'nobody holds the role' AND state = 'undeliverable'").await, 1);
    let next = scene.clock.now() - MINUTE + BATCH_EVERY;
    assert_eq!(scene.count(&format!("state = 'pending' AND not_before = {next}")).await, 300);

    scene.clock.advance(BATCH_EVERY - MINUTE);
    let lists = scene.deliver().await;
    assert_eq!(lists.len(), 2);
    for list in lists {
        let parts: Vec<&str> = list.split("\n\n").skip(1).collect();
        assert!(parts.len() > 20, "{list}");
        assert_eq!(parts, words[..parts.len()], "the oldest, in order");
    }
}

#[tokio::test]
async fn many_holders_get_their_copies_in_parts_and_what_is_too_old_goes_to_none() {
    let scene = Scene::new().await;
    scene.put(&role("crowd"), Class::Now, &["a", "b", "c"], scene.clock.now()).await;
    scene.expand().await;
    let (given, open) = ("lane = '' AND state = 'superseded'", "lane = '' AND state = 'pending'");
    assert_eq!((scene.count(given).await, scene.count(open).await), (2, 1), "two times 300");
    let mut sent = scene.deliver().await;
    sent.sort();
    assert_eq!(sent, [vec!["a"; 300], vec!["b"; 300], vec!["c"; 300]].concat());

    scene.put(&role("intake"), Class::Now, &["too old"], scene.clock.now() - WORTH).await;
    assert_eq!(scene.deliver().await, [""; 0]);
    assert_eq!(scene.count("why = 'too old' AND state = 'expired' AND lane = ''").await, 1);
}

#[tokio::test]
async fn a_list_that_went_while_the_clock_ran_ahead_holds_nothing_back() {
    let scene = Scene::new().await;
    scene.clock.advance(5 * HOUR);
    scene.put(&role("intake"), Class::Batch, &["first"], scene.clock.now()).await;
    assert_eq!(scene.deliver().await.len(), 2);
    scene.clock.advance(-5 * HOUR);
    scene.put(&role("intake"), Class::Batch, &["second"], scene.clock.now()).await;
    scene.put(&Target::Group("g0".into()), Class::Batch, &["third"], scene.clock.now()).await;
    let sent = scene.deliver().await;
    assert!(sent.concat().contains("second") && sent.concat().contains("third"), "{sent:?}");
}
