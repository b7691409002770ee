//! The load: whole report dialogs through the WeChat hook in safe mode, compared with a bare server that only opens and
//! seals.
//!
//! `cargo bench --bench load -- [--postgres | --database postgres://…] [--replicas 2] [--connections 128] [--seconds 10]
//! [--no-fsync] [--no-echo] [--keep]`, or `-- --echo-at 127.0.0.1:23456` for somebody else's server that sends the words back
//!
//! It starts the real program on an empty database, lets villagers answer questions through kept-alive connections, each
//! message signed and sealed when it is sent and each answer opened and compared with what must follow; then lets them
//! submit; then counts in the database whether what was acknowledged is there. Nothing here is a test of time.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement prints its figures and ends when it cannot run"
)]

mod client;
#[path = "../../tests/support/dingtalk.rs"]
mod dingtalk;
mod echo;
mod envelope;
#[path = "../../tests/support/postgres.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod postgres;
mod stage;
#[path = "../../tests/support/wechat.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod wechat;

use client::{Connection, Count, Task, World};
use minhu::{
    clock::Clock,
    people::{Areas, Level, org},
};
use stage::{Database, Echo, Platforms, Stage};
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Threads of the villagers, each with its share of the connections.
const THREADS: usize = 2;

struct Options {
    database: Database,
    replicas: usize,
    connections: usize,
    seconds: u64,
    fsync: bool,
    echo: bool,
    echo_at: Option<SocketAddr>,
    keep: bool,
}

impl Options {
    fn read() -> Option<Options> {
        let mut options = Options {
            database: Database::Sqlite,
            replicas: 1,
            connections: 128,
            seconds: 10,
            fsync: true,
            echo: true,
            echo_at: None,
            keep: false,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--postgres" => options.database = Database::Cluster,
                "--database" => options.database = Database::Server(words.next()?),
                "--replicas" => options.replicas = words.next()?.parse().ok()?,
                "--connections" => options.connections = words.next()?.parse().ok()?,
                "--seconds" => options.seconds = words.next()?.parse().ok()?,
                "--no-fsync" => options.fsync = false,
                "--no-echo" => options.echo = false,
                "--echo-at" => options.echo_at = Some(words.next()?.parse().ok()?),
                "--keep" => options.keep = true,
                // Cargo adds it.
                "--bench" => {}
                _ => return None,
            }
        }
        Some(options)
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("echo-server") {
        return echo::serve();
    }
    let Some(options) = Options::read() else {
        println!(
            "options: [--postgres | --database postgres://…] [--replicas 2] [--connections 128] [--seconds 10] [--no-fsync] [--no-echo] [--keep] | --echo-at ADDRESS"
        );
        std::process::exit(2);
    };
    if matches!(options.database, Database::Sqlite) && options.replicas > 1 {
        println!("SQLite has one process; replicas need --postgres or --database");
        std::process::exit(2);
    }
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    // In quiet hours what a report tells the staff stays where it is, and its courier has nothing to do.
    let hour = minhu::clock::local(Clock::system().now()).format("%H:%M");
    println!("{processors} processors, {} connections, {} s each, at {hour} in China", options.connections, options.seconds);
    run(&options);
}

fn run(options: &Options) {
    let platforms = Platforms::start();
    let fake = platforms.wechat.clone();
    let clock = Clock::system();
    let world = World::new(villages(), clock.clone(), move |sender| fake.allow(sender, clock.now()));
    let length = Duration::from_secs(options.seconds);
    let mut villagers = Villagers::new(&world, options.connections);

    let mut bare = Vec::new();
    let mut measure_bare = |villagers: &mut Villagers| {
        if options.echo {
            let echo = Echo::start();
            villagers.lead_to(&[echo.address()]);
            let before = echo.processor();
            let (mut count, time) = villagers.work(Task::Echo, length / 2);
            let used = echo.processor() - before;
            print("bare echo", &mut count, time, used, 0.0);
            bare.push(count.turns as f64 / time);
        }
    };
    measure_bare(&mut villagers);
    if let Some(address) = options.echo_at {
        villagers.lead_to(&[address]);
        let (mut count, time) = villagers.work(Task::Echo, length);
        return print("the other echo", &mut count, time, 0.0, 0.0);
    }

    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("load{}", std::process::id()));
    let stage = Stage::start(&folder, &options.database, options.replicas, &platforms, options.fsync);
    println!("  database {}, {} process(es) of the program", stage.url, options.replicas);
    villagers.lead_to(&stage.addresses());
    let measured = |villagers: &mut Villagers, task, name: &str| {
        let (program, server) = stage.processor();
        let (mut count, time) = villagers.work(task, length);
        let (program, server) = (stage.processor().0 - program, stage.processor().1 - server);
        print(name, &mut count, time, program, server);
        (count, time)
    };
    let (answers, answers_time) = measured(&mut villagers, Task::Turns, "answers to questions");
    let (submits, submits_time) = measured(&mut villagers, Task::Submit, "submits");
    let (whole, whole_time) = measured(&mut villagers, Task::Whole, "whole reports");
    let correct = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(check(&stage, &[&answers, &submits, &whole]));
    let size = stage.end();
    measure_bare(&mut villagers);

    let bare = bare.iter().sum::<f64>() / bare.len().max(1) as f64;
    let (answers, whole_turns) = (answers.turns as f64 / answers_time, whole.turns as f64 / whole_time);
    if bare > 0.0 {
        println!("bare echo, mean              {bare:>9.0} /s");
        println!("answers to questions / echo  {:>9.3}", answers / bare);
        println!("turns of whole reports / echo{:>9.3}", whole_turns / bare);
    }
    println!("tickets submitted            {:>9.0} /s", submits.submits as f64 / submits_time);
    println!("whole reports                {:>9.0} /s", whole.submits as f64 / whole_time);
    if size > 0.0 {
        println!("size of the database file    {size:>9.0} MB");
    }
    if options.keep {
        println!("kept: {}", folder.display());
    } else {
        let _ = std::fs::remove_dir_all(&folder);
    }
    if !correct {
        println!("NOT EVERYTHING THAT WAS ACKNOWLEDGED IS THERE ONCE");
        std::process::exit(1);
    }
}

/// Does the database hold what was acknowledged, each once? An unanswered message may be there or not.
async fn check(stage: &Stage, counts: &[&Count]) -> bool {
    let sum = |of: fn(&Count) -> u64| counts.iter().map(|count| of(count)).sum::<u64>() as i64;
    let errors = sum(|count| count.errors);
    let mut held = 0;
    for _ in 0..200 {
        held = stage.count("outbox WHERE state = 'held'").await;
        if held == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut correct = held == 0;
    for (what, from, expected) in [
        ("messages marked as seen", "seen", sum(|count| count.turns)),
        ("replies, all handed over", "outbox WHERE class = 'reply' AND state = 'sent'", sum(|count| count.turns)),
        ("conversations", "conversation", sum(|count| count.senders)),
        ("tickets", "ticket", sum(|count| count.submits)),
        ("first events of tickets", "ticket_event WHERE seq = 1", sum(|count| count.submits)),
        ("faults", "fault", 0),
    ] {
        let found = stage.count(from).await;
        let right = (expected..=expected + errors).contains(&found);
        correct &= right;
        println!("  {what}: {found}, acknowledged {expected}{}", if right { "" } else { "  WRONG" });
    }
    correct
}

fn print(name: &str, count: &mut Count, time: f64, program: f64, server: f64) {
    let each = |seconds: f64| seconds * 1e6 / count.turns.max(1) as f64;
    let (program_each, server_each) = (each(program), each(server));
    let (half, most) = (count.percentile(0.5), count.percentile(0.99));
    let worst = count.percentile(1.0);
    println!(
        "{name:<22}{:>9.0} /s   p50 {half:>6.2} ms  p99 {most:>7.2} ms  max {worst:>7.1} ms   processor {program_each:>6.1} µs each{}   {} errors",
        count.turns as f64 / time,
        if server > 0.0 { format!(" + {server_each:.1} of the database") } else { String::new() },
        count.errors
    );
    if let Some(error) = &count.first_error {
        println!("  first error: {error}");
    }
}

/// All connections, shared out to threads.
struct Villagers {
    all: Vec<Connection>,
}

impl Villagers {
    fn new(world: &Arc<World>, connections: usize) -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        let all = (0..connections).map(|number| Connection::new(world.clone(), nowhere, number as u64 + 1)).collect();
        Villagers { all }
    }

    fn lead_to(&mut self, addresses: &[SocketAddr]) {
        for (number, connection) in self.all.iter_mut().enumerate() {
            let replica = number % addresses.len();
            connection.lead_to(addresses[replica], (replica, addresses.len()));
        }
    }

    /// Lets all of them work; gives what they came to and in how many seconds.
    fn work(&mut self, task: Task, length: Duration) -> (Count, f64) {
        let stop = AtomicBool::new(false);
        let begun = Instant::now();
        let share = self.all.len().div_ceil(THREADS);
        let mut count = Count::default();
        std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .all
                .chunks_mut(share)
                .map(|connections| {
                    let stop = &stop;
                    scope.spawn(move || {
                        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                        let work = connections.iter_mut().map(|connection| connection.work(task, stop));
                        runtime.block_on(futures_util::future::join_all(work))
                    })
                })
                .collect();
            while begun.elapsed() < length && !threads.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                std::thread::sleep(Duration::from_millis(5));
            }
            stop.store(true, Ordering::Relaxed);
            for thread in threads {
                thread.join().unwrap().into_iter().for_each(|one| count.add(one));
            }
        });
        (count, begun.elapsed().as_secs_f64())
    }
}

/// The villages of the demonstration county, with their townships.
fn villages() -> Vec<String> {
    let areas = Areas::new(org::demonstration().expect("the demonstration county cannot be read").areas);
    let villages = areas.all().filter(|area| area.level() == Level::Village && area.name.ends_with("村民委员会"));
    villages
        .filter_map(|area| {
            let town = areas.above(&area.code, Level::Township)?;
            Some(format!("{}{}", town.name, area.name.trim_end_matches("民委员会")))
        })
        .collect()
}
