//! The machines: one process on SQLite, two and a database server on PostgreSQL; how they die and come back.

use crate::{
    postgres::Server,
    town::{Chance, Town},
};
use minhu::clock::{Clock, SECOND, local};
use std::{
    fmt,
    fs::{File, OpenOptions},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// How far the clock goes on at each start, so that leases of the dead end without waiting for them.
const STEP: i64 = 20 * SECOND;
/// Messages between two kills.
const MESSAGES: u64 = 40;
/// Nothing takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Machines {
    pub database: String,
    cluster: Option<Server>,
    replicas: Arc<Vec<Replica>>,
    clock: Clock,
}

struct Replica {
    port: u16,
    config: PathBuf,
    log: PathBuf,
    child: Mutex<Option<Child>>,
    ended_by_itself: AtomicU32,
}

/// How many died, and of what.
#[derive(Debug, Default)]
pub struct Killed {
    idle: u32,
    busy: u32,
    sending: u32,
    starting: u32,
    servers: u32,
    restarts: u32,
}

impl Killed {
    fn sum(&self) -> u32 {
        self.idle + self.busy + self.sending + self.starting + self.servers
    }
}

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Killed { idle, busy, sending, starting, servers, restarts } = self;
        write!(
            f,
            "{} kills ({busy} at work, {sending} while sending, {idle} idle, {starting} while starting, {servers} of the database server), {restarts} starts that failed for want of a database",
            self.sum()
        )
    }
}

impl Machines {
    pub async fn start(folder: &Path, cluster: Option<Server>, clock: &Clock, settings: &str) -> Machines {
        let database = match &cluster {
            Some(cluster) => cluster.url(),
            None => format!("sqlite://{}", folder.join("minhu.db").display()),
        };
        let count = if cluster.is_some() { 2 } else { 1 };
        let replicas = (0..count).map(|n| Replica::new(folder, n, &database, settings)).collect();
        let machines = Machines { database, cluster, replicas: Arc::new(replicas), clock: clock.clone() };
        for replica in machines.replicas.iter() {
            replica.spawn(clock);
            machines.ready(replica).await;
        }
        // What ends by itself is started again, as a service manager does.
        let (replicas, clock) = (Arc::downgrade(&machines.replicas), clock.clone());
        tokio::spawn(async move {
            while let Some(replicas) = replicas.upgrade() {
                replicas.iter().for_each(|replica| replica.revive(&clock));
                drop(replicas);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        machines
    }

    /// Where the proxy leads somebody: always to the same replica, and to the other while that one takes no connection.
    pub fn addresses(&self, whom: &str) -> Vec<String> {
        let first = whom.bytes().map(usize::from).sum::<usize>();
        let count = self.replicas.len();
        (0..count).map(|n| format!("http://127.0.0.1:{}", self.replicas[(first + n) % count].port)).collect()
    }

    /// Waits until a replica says it is ready.
    async fn ready(&self, replica: &Replica) {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        let begun = Instant::now();
        let url = format!("http://127.0.0.1:{}/readyz", replica.port);
        while !http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(begun.elapsed() < PATIENCE, "the program does not start again:\n{}", self.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn all_ready(&self) {
        for replica in self.replicas.iter() {
            self.ready(replica).await;
        }
    }

    /// Stops all in good order and starts them again, after the clock was turned.
    pub async fn restart_all(&self) {
        for replica in self.replicas.iter() {
            replica.end(&self.last_words());
            replica.spawn(&self.clock);
            self.ready(replica).await;
        }
    }

    /// What the programs wrote last.
    pub fn last_words(&self) -> String {
        let tail = |replica: &Replica| {
            let log = std::fs::read_to_string(&replica.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            lines[lines.len().saturating_sub(20)..].join("\n")
        };
        self.replicas.iter().map(tail).collect::<Vec<_>>().join("\n--\n")
    }

    /// Runs another command of the program on the same installation; gives its exit code and what it said.
    pub fn command(&self, args: &[&str]) -> (Option<i32>, String) {
        let replica = &self.replicas[0];
        let output = replica.program(&self.clock).args(args).arg("--config").arg(&replica.config).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.code(), said)
    }
}

impl Replica {
    fn new(folder: &Path, n: usize, database: &str, settings: &str) -> Replica {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.join(format!("minhu-{n}.toml"));
        let head = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1\"\n\n[database]\nurl = \"{database}\"\nmax_connections = 4\n\n[media]\ndir = \"{}/media\"\n",
            folder.display()
        );
        std::fs::write(&config, head + settings).unwrap();
        let log = folder.join(format!("minhu-{n}.log"));
        Replica { port, config, log, child: Mutex::default(), ended_by_itself: AtomicU32::default() }
    }

    fn program(&self, clock: &Clock) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_minhu"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MINHU")) {
            command.env_remove(name);
        }
        command.current_dir(self.config.parent().unwrap());
        command.env("MINHUTEST_CLOCK", local(clock.now()).to_rfc3339()).env("MINHU_LOG", "error").stdin(Stdio::null());
        command
    }

    fn log(&self) -> File {
        OpenOptions::new().create(true).append(true).open(&self.log).unwrap()
    }

    fn spawn(&self, clock: &Clock) {
        let mut serve = self.program(clock);
        serve.arg("serve").arg("--config").arg(&self.config).stdout(Stdio::null()).stderr(self.log());
        *self.child.lock().unwrap() = Some(serve.spawn().unwrap());
    }

    fn revive(&self, clock: &Clock) {
        let ended = self.child.lock().unwrap().as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))));
        if ended {
            self.ended_by_itself.fetch_add(1, Ordering::Relaxed);
            self.spawn(clock);
        }
    }

    fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM, and the wait for its end.
    fn end(&self, last_words: &str) {
        let Some(mut child) = self.child.lock().unwrap().take() else { return };
        Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < PATIENCE, "the program does not end when told to:\n{last_words}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        self.replicas.iter().for_each(Replica::kill);
    }
}

/// Kills at moments of every kind until there were so many.
pub async fn kill_at_random(town: &Town, kills: u32) -> Killed {
    let mut killed = Killed::default();
    let machines = &town.machines;
    let chance = &town.chance;
    let mut spoken = 0;
    while killed.sum() < kills {
        // Something has to happen between two deaths, if the machine is not too busy for it.
        let begun = Instant::now();
        while town.book.acknowledged() < spoken + MESSAGES && begun.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        spoken = town.book.acknowledged();
        if let Some(cluster) = &machines.cluster
            && chance.below(4) == 0
        {
            tokio::time::sleep(chance.millis(900)).await;
            if chance.below(4) == 0 {
                cluster.down();
            } else {
                cluster.kill();
            }
            tokio::time::sleep(chance.millis(300)).await;
            cluster.up();
            killed.servers += 1;
            machines.all_ready().await;
            continue;
        }
        let victim = usize::try_from(chance.below(machines.replicas.len() as u64)).unwrap();
        let replica = &machines.replicas[victim];
        match chance.below(8) {
            0 => {
                let silence = town.speaking.write().await;
                tokio::time::sleep(chance.millis(300)).await;
                replica.kill();
                drop(silence);
                killed.idle += 1;
            }
            1..=4 => {
                tokio::time::sleep(chance.millis(1_200)).await;
                replica.kill();
                killed.busy += 1;
            }
            _ => {
                let slow = Duration::from_millis(50) + chance.millis(400);
                town.platforms_slow(slow);
                tokio::time::sleep(Duration::from_millis(50) + chance.millis(1_000)).await;
                replica.kill();
                town.platforms_slow(Duration::ZERO);
                killed.sending += 1;
            }
        }
        tokio::time::sleep(pause(chance)).await;
        town.advance(STEP);
        replica.spawn(&town.clock);
        while chance.below(4) == 0 {
            tokio::time::sleep(chance.millis(250)).await;
            replica.kill();
            killed.starting += 1;
            replica.spawn(&town.clock);
        }
        machines.ready(replica).await;
        // Clocks of two machines may not drift apart for ever.
        if machines.replicas.len() > 1 && chance.below(6) == 0 {
            let other = &machines.replicas[1 - victim];
            other.kill();
            killed.busy += 1;
            other.spawn(&town.clock);
            machines.ready(other).await;
        }
    }
    killed.restarts = machines.replicas.iter().map(|replica| replica.ended_by_itself.load(Ordering::Relaxed)).sum();
    killed
}

/// How long a service manager takes to notice.
fn pause(chance: &Chance) -> Duration {
    chance.millis(200)
}
