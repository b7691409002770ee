//! Nothing lost, nothing doubled: thousands of messages while processes are killed with SIGKILL and started again.
//!
//! On SQLite the program is killed; on PostgreSQL one of two replicas or the database server. The platforms (fakes in this process)
//! survive and deliver again what was not acknowledged. Afterwards [`reckoning`] compares what people were told and what
//! is stored with what they said.
//!
//! `MINHUTEST_KILLS` sets how many kills there are, `MINHUTEST_SEED` repeats the choices of an earlier run (not its timing).
//! Without `MINHUTEST_DATABASE_URL` the pass is that of SQLite, with it that of PostgreSQL, on a cluster of its own.
#![cfg(test)]

mod machines;
mod people;
mod reckoning;
mod town;

#[path = "../support/dingtalk.rs"]
mod dingtalk;
#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "the tests of outages and the load use the rest")]
mod postgres;
#[path = "../support/wechat.rs"]
#[expect(dead_code, reason = "the channel's own tests use the rest")]
mod wechat;

use postgres::Server;
use std::{sync::Arc, time::Instant};
use town::{Chance, Town};

/// Kills of one pass, unless the environment says otherwise.
const KILLS: u32 = 27;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_the_program_is_killed() {
    if std::env::var("MINHUTEST_DATABASE_URL").is_err() {
        pass(None).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_a_replica_or_the_database_is_killed() {
    if std::env::var("MINHUTEST_DATABASE_URL").is_ok() {
        pass(Some(Server::start(&[]))).await;
    }
}

async fn pass(cluster: Option<Server>) {
    let kills = std::env::var("MINHUTEST_KILLS").ok().map_or(KILLS, |kills| kills.parse().unwrap());
    let seed = std::env::var("MINHUTEST_SEED").ok().map_or_else(Chance::seed, |seed| seed.parse().unwrap());
    let home = if cluster.is_some() { "PostgreSQL, two replicas" } else { "SQLite" };
    println!("{home}: MINHUTEST_SEED={seed} MINHUTEST_KILLS={kills}");
    let begun = Instant::now();
    let town = Arc::new(Town::found(cluster, seed).await);
    let at_work = people::go_to_work(&town);
    let killed = machines::kill_at_random(&town, kills).await;
    people::call_it_a_day(&town, at_work).await;
    let reckoned = reckoning::reckon(&town).await;
    println!("{home}: {killed}; {reckoned}; {} s", begun.elapsed().as_secs());
}
