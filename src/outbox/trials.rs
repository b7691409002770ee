//! Couriers on one database: on PostgreSQL where `MINHUTEST_DATABASE_URL` names a server, else on one SQLite file.

mod bad_days;
mod order;
mod plans;

use super::*;
use crate::{
    channels::{Ability, Outcome, Pace, Way, simulator},
    clock::{Clock, parse},
    db::{Db, Tx, listen, ring_on},
    error::Result,
    message::Address,
    metrics::Metrics,
    seal::Keys,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Persons up to here have an account of `mp`, the others of `ding`; those divisible by 1,000 have both, `mp` first.
const OF_MP: i64 = 5_000;

/// What a channel does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Works,
    Gone,
    Silent,
    Hangs,
}

/// The platforms, and everybody's addresses.
struct World {
    moods: Mutex<HashMap<&'static str, Mood>>,
    sent: Mutex<Vec<(String, String)>>,
    asked: AtomicUsize,
    pause: Duration,
    /// Every send takes half as long as the one before it.
    hurries: bool,
    pace: Pace,
}

impl Default for World {
    fn default() -> Self {
        World {
            moods: Mutex::default(),
            sent: Mutex::default(),
            asked: AtomicUsize::new(0),
            pause: Duration::from_millis(1),
            hurries: false,
            pace: Pace { at_once: 16, calls_a_second: None, session_a_minute: None },
        }
    }
}

impl World {
    fn mood(&self, channel: &str) -> Mood {
        self.moods.lock().unwrap().get(channel).copied().unwrap_or(Mood::Works)
    }

    fn set(&self, channel: &'static str, mood: Mood) {
        self.moods.lock().unwrap().insert(channel, mood);
    }

    /// What arrived, in order: account and text.
    fn sent(&self) -> Vec<(String, String)> {
        self.sent.lock().unwrap().clone()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Everybody got exactly these texts, in this order.
    fn assert_each_once_in_order(&self, lanes: i64, each: usize) {
        let mut by_lane: HashMap<String, Vec<usize>> = HashMap::new();
        for (account, text) in self.sent() {
            by_lane.entry(account).or_default().push(text.parse().unwrap());
        }
        assert_eq!(by_lane.len(), usize::try_from(lanes).unwrap());
        for (account, texts) in by_lane {
            assert_eq!(texts, (0..each).collect::<Vec<_>>(), "{account}");
        }
    }
}

impl Post for World {
    async fn find(&self, _: &mut Tx, target: &Target, _: Option<i64>) -> Result<Found> {
        let at = |channel: &str, id: i64| Address { channel: channel.into(), account: id.to_string(), group: None };
        Ok(match target {
            Target::Person(id) if id % 1_000 == 0 => Found::Addresses(vec![at("mp", *id), at("ding", *id)]),
            Target::Person(id) | Target::Chat(id) => Found::Addresses(vec![at(if *id < OF_MP { "mp" } else { "ding" }, *id)]),
            Target::Role { .. } => Found::Targets((1..=3).map(Target::Person).collect()),
            Target::Reporter(_) | Target::Group(_) => Found::Addresses(Vec::new()),
        })
    }

    async fn send(&self, to: &Address, _: &Way, reply: &Reply) -> Outcome {
        let before = self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(if self.hurries { self.pause / (1 << before.min(16)) } else { self.pause }).await;
        match self.mood(&to.channel) {
            Mood::Works => {
                self.sent.lock().unwrap().push((to.account.clone(), reply.text.clone()));
                Outcome::Sent(None)
            }
            Mood::Gone => Outcome::Down("gone"),
            Mood::Silent => Outcome::Unknown("no answer"),
            Mood::Hangs => std::future::pending().await,
        }
    }

    fn channels(&self) -> Vec<String> {
        vec!["mp".into(), "ding".into()]
    }

    fn ability(&self, _: &str) -> Option<Ability> {
        Some(Ability { pace: self.pace, ..simulator::ABILITY })
    }

    fn has_template(&self, _: &str) -> bool {
        false
    }

    fn neutral(&self) -> Reply {
        Reply::text("neutral")
    }

    fn merged(&self, replies: &[Reply]) -> Reply {
        Reply::text(replies.iter().map(|reply| reply.text.as_str()).collect::<Vec<_>>().join("+"))
    }

    fn quota_warning(&self, _: &str, _: i64, _: i64) -> Vec<Push> {
        Vec::new()
    }
}

/// A database of one test.
struct Place {
    url: String,
    made: Option<(String, String)>,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> (Place, Db) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().unwrap();
        let (url, made) = match std::env::var("MINHUTEST_DATABASE_URL") {
            Err(_) => (format!("sqlite://{}/t.db", folder.path().display()), None),
            Ok(server) => {
                let name = format!("minhutest_outbox_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
                on_server(&server, &format!("CREATE DATABASE {name}")).await;
                let (before, _) = server.rsplit_once('/').unwrap();
                (format!("{before}/{name}"), Some((server, name)))
            }
        };
        let clock = Clock::starting_at(parse("2026-11-23T10:00:00+08:00").unwrap());
        let place = Place { url, made, clock, _folder: folder };
        let db = place.open().await;
        db.migrate().await.unwrap();
        (place, db)
    }

    /// Another process's view of it.
    async fn open(&self) -> Db {
        Db::open(&self.url, 4).await.unwrap()
    }

    fn on_postgres(&self) -> bool {
        self.made.is_some()
    }

    async fn end(self, all: &[&Db]) {
        for db in all {
            db.close().await;
        }
        if let Some((server, name)) = &self.made {
            on_server(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    fn courier(&self, db: &Db, world: &Arc<World>) -> (Courier<World>, Wake) {
        Courier::new(db.clone(), self.clock.clone(), keys(), world.clone(), Metrics::default())
    }

    /// A courier at work, and what ends it.
    fn at_work(&self, db: &Db, world: &Arc<World>) -> Working {
        let (courier, wake) = self.courier(db, world);
        let stop = CancellationToken::new();
        Working { task: tokio::spawn(courier.run(stop.clone())), wake, stop }
    }
}

struct Working {
    task: tokio::task::JoinHandle<()>,
    wake: Wake,
    stop: CancellationToken,
}

impl Working {
    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn on_server(server: &str, statement: &str) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

fn keys() -> Keys {
    Keys::new(&[1; 32], &[])
}

fn push(target: Target, text: &str) -> Push {
    Push { target, ticket: None, class: Class::Now, reply: Reply::text(text), except: None, urgent: false }
}

/// Writes messages as one turn does.
async fn write_at(db: &Db, pushes: &[Push], at: Millis) {
    let mut tx = db.write().await.unwrap();
    let all: Vec<_> = pushes.iter().map(|push| (tx.id().unwrap(), String::new(), false, push.clone())).collect();
    write(&mut tx, &keys(), &all, &HashMap::new(), at).await.unwrap();
    tx.commit().await.unwrap();
}

/// How many rows are in each state.
async fn states(db: &Db) -> HashMap<String, i64> {
    let mut conn = db.read().await.unwrap();
    let rows = sqlx::query("SELECT state, COUNT(*) FROM outbox GROUP BY state").fetch_all(&mut *conn).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Waits for something.
async fn until<F: Future<Output = bool>>(what: &str, mut is: impl FnMut() -> F) {
    let begun = Instant::now();
    while !is().await {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until so many rows are marked as sent.
async fn until_sent(db: &Db, count: i64) {
    until(&format!("{count} rows are not sent"), || async { states(db).await.get("sent") == Some(&count) }).await;
}
