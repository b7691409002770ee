//! A PostgreSQL server of one test or benchmark alone, which may be stopped in every way there is.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

/// Whom the server runs as where the test runs as root, which the server refuses.
const UNPRIVILEGED: &str = "postgres";
/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a free port of this machine, with its files in a folder that goes with it.
pub struct Server {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    /// `name=value`.
    settings: &'static [&'static str],
    first: Mutex<Option<Child>>,
}

impl Server {
    /// Makes an empty cluster and starts it with these settings (`name=value`). Fails the test where PostgreSQL is not installed.
    pub fn start(settings: &'static [&'static str]) -> Server {
        let server = Server {
            programs: programs(),
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            settings,
            first: Mutex::default(),
        };
        if is_root() {
            run(Command::new("chown").arg(UNPRIVILEGED).arg(server.folder.path())).unwrap();
        }
        let arguments = ["--username=minhutest", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
        run(server.program("initdb").args(arguments).arg("--pgdata").arg(server.data())).unwrap();
        server.up();
        server
    }

    /// The address of its first database.
    pub fn url(&self) -> String {
        format!("postgres://minhutest@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it, again after it was stopped, and waits until it takes connections; it comes back with what was committed.
    pub fn up(&self) {
        let log = self.folder.path().join("log");
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1", "-k", ""]);
        for setting in self.settings {
            postgres.args(["-c", setting]);
        }
        let output = fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        // A child of ours, so that its number is free again once it is dead: the next server looks whether it still runs.
        *self.first.lock().unwrap() = Some(postgres.spawn().unwrap());
        let (begun, port) = (Instant::now(), self.port.to_string());
        while run(self.program("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port, "-d", "postgres"])).is_err() {
            let said = || fs::read_to_string(&log).unwrap_or_default();
            let ended = self.first.lock().unwrap().as_mut().is_none_or(|first| first.try_wait().is_ok_and(|end| end.is_some()));
            assert!(!ended && begun.elapsed() < PATIENCE, "PostgreSQL does not start:\n{}", said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Lets it end all connections at once and stop without tidying up.
    pub fn down(&self) {
        let Some(mut first) = self.first.lock().unwrap().take() else { return };
        signal("-QUIT", &[first.id()]);
        let _ = first.wait();
    }

    /// Kills it and all its processes, as a power cut would: nobody has time for anything.
    pub fn kill(&self) {
        let Some(mut first) = self.first.lock().unwrap().take() else { return };
        // Stopped first, so that no process is born meanwhile.
        signal("-STOP", &[first.id()]);
        let victims = children(first.id());
        signal("-KILL", &[&[first.id()], &victims[..]].concat());
        let _ = first.wait();
        while victims.iter().any(|id| alive(*id)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its processes do nothing any more, and its connections stay open.
    pub fn freeze(&self) {
        signal("-STOP", &self.processes());
    }

    /// They go on.
    pub fn thaw(&self) {
        signal("-CONT", &self.processes());
    }

    /// The numbers of its processes, the one that begins the others first.
    pub fn processes(&self) -> Vec<u32> {
        let first = self.first.lock().unwrap().as_ref().map(Child::id);
        first.into_iter().flat_map(|first| [vec![first], children(first)].concat()).collect()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of PostgreSQL's programs.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={UNPRIVILEGED}"), &format!("--regid={UNPRIVILEGED}"), "--init-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.thaw();
        self.down();
    }
}

/// Where the newest programs are: Debian keeps them outside the path.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut folders: Vec<PathBuf> = versions.chain(["/usr/local/bin", "/usr/bin"].map(PathBuf::from)).collect();
    folders.retain(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
    folders.sort_by_key(|folder| version(folder));
    folders.pop().expect("PostgreSQL's server programs are installed (on Debian: apt-get install postgresql)")
}

fn version(folder: &Path) -> u32 {
    folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse().ok()).unwrap_or(0)
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|said| said.stdout.trim_ascii() == b"0")
}

/// A port below those that the system gives to outgoing connections.
fn free_port() -> u16 {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).unwrap();
    let first = 20_000 + u16::from_ne_bytes(bytes) % 12_000;
    (first..32_768).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

fn run(command: &mut Command) -> Result<(), String> {
    // Standard output is not kept: the server would inherit a pipe and hold it open.
    match command.stdin(Stdio::null()).stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("{command:?}: {other:?}")),
    }
}

/// A process that has just ended by itself is no failure.
fn signal(which: &str, to: &[u32]) {
    if !to.is_empty() {
        let _ = Command::new("kill").arg(which).args(to.iter().map(u32::to_string)).stderr(Stdio::null()).status();
    }
}

fn children(of: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| state_and_parent(*id).is_some_and(|(_, parent)| parent == of)).collect()
}

/// Does it still run? One that has ended and waits to be noticed does not.
fn alive(id: u32) -> bool {
    state_and_parent(id).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// The state and the parent of a process, while there is one.
fn state_and_parent(id: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before may hold blanks and brackets.
    let mut rest = stat.rsplit_once(") ")?.1.split(' ');
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}
