//! Lists that grow too long for their recipient's platform.

use super::{BATCH_EVERY, Class, Courier, Found, Post, Push, Target, write};
use crate::{
    channels::{Ability, Outcome, Way, simulator},
    clock::{Clock, parse},
    db::{Db, Tx},
    error::Result,
    message::{Address, Millis, Reply},
    metrics::Metrics,
    seal::Keys,
};
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
    async fn find(&self, _: &mut Tx, _: &Target, _: Option<i64>) -> Result<Found> {
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
    let mut tx = db.write().await.unwrap();
    let mut messages = Vec::new();
    for words in &words {
        let target = Target::Group("g".into());
        let push = Push { target, ticket: None, class: Class::Batch, reply: Reply::text(words), except: None, urgent: false };
        messages.push((tx.id().unwrap(), "turn".to_owned(), false, push));
    }
    write(&mut tx, &keys, &messages, &HashMap::new(), clock.now()).await.unwrap();
    tx.commit().await.unwrap();

    let platform = Arc::new(Platform::default());
    for _ in 0..10 {
        let stop = CancellationToken::new();
        let (courier, _wake) = Courier::new(db.clone(), clock.clone(), keys.clone(), platform.clone(), Metrics::default());
        let running = tokio::spawn(courier.run(stop.clone()));
        until_sent(&db, clock.now()).await;
        stop.cancel();
        running.await.unwrap();
        clock.advance(BATCH_EVERY);
    }
    let lists = platform.0.lock().unwrap().clone();
    let parts: Vec<&str> = lists.iter().flat_map(|list| list.split("\n\n")).filter(|part| !part.ends_with(':')).collect();
    assert_eq!(parts, words, "all of it, in order");
    assert!(lists.iter().all(|list| list.len() <= ROOM), "{lists:?}");
    assert!(!lists.iter().any(|list| list.starts_with("1:")), "one alone is no list: {lists:?}");
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
