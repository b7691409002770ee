//! A PostgreSQL cluster of one test alone, which may be killed and started again.

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

/// A server on a free port of this machine, with its files in a folder of its own. It ends with this value.
pub struct Cluster {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    server: Mutex<Option<Child>>,
}

impl Cluster {
    /// Makes an empty cluster and starts it. What is committed is forced to the disk, as where it matters.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed, or does not start.
    pub fn start() -> Result<Cluster, String> {
        let programs = programs().ok_or("PostgreSQL is not installed: no initdb in /usr/lib/postgresql/*/bin")?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).map_err(|error| error.to_string())?.port();
        let cluster = Cluster { programs, folder, port, server: Mutex::default() };
        if root() {
            run(Command::new("chown").arg(UNPRIVILEGED).arg(cluster.folder.path()))?;
        }
        let data = cluster.data();
        run(cluster.program("initdb").arg("-D").arg(data).args(["-U", "minhutest", "--auth=trust", "-E", "UTF8", "--locale=C"]))?;
        cluster.start_again()?;
        Ok(cluster)
    }

    /// The address of its first database.
    pub fn url(&self) -> String {
        format!("postgres://minhutest@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server after it was killed, and waits until it takes connections; it comes back with what was committed.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&self) -> Result<(), String> {
        let log = self.folder.path().join("log");
        let output = fs::OpenOptions::new().create(true).append(true).open(&log).map_err(|error| error.to_string())?;
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1", "-k", ""]);
        postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        // A child of ours, so that its number is free again once it is dead: the next server looks whether it still runs.
        *self.server.lock().unwrap() = Some(postgres.spawn().map_err(|error| error.to_string())?);
        let begun = Instant::now();
        let (port, database) = (self.port.to_string(), "postgres");
        while run(self.program("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port, "-d", database])).is_err() {
            if begun.elapsed() > Duration::from_secs(60) {
                return Err(format!("PostgreSQL does not start:\n{}", fs::read_to_string(log).unwrap_or_default()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Kills the server and all its processes, as a power cut would: nobody has time for anything.
    pub fn kill(&self) {
        let Some(mut server) = self.server.lock().unwrap().take() else { return };
        // Stopped first, so that no process is born meanwhile.
        signal("-STOP", &[server.id()]);
        let victims = children(server.id());
        signal("-KILL", &[&[server.id()], &victims[..]].concat());
        let _ = server.wait();
        while victims.iter().any(|id| alive(*id)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lets the server end all connections at once and stop without tidying up.
    pub fn stop_at_once(&self) {
        let Some(mut server) = self.server.lock().unwrap().take() else { return };
        signal("-QUIT", &[server.id()]);
        let _ = server.wait();
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if root() {
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

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop_at_once();
    }
}

/// The folder of the server's programs; Debian keeps them outside the path.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut found: Vec<PathBuf> = versions.filter(|folder| folder.join("initdb").exists()).collect();
    found.sort();
    found
        .pop()
        .or_else(|| ["/usr/local/bin", "/usr/bin"].map(PathBuf::from).into_iter().find(|folder| folder.join("initdb").exists()))
}

fn root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|said| said.stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) -> Result<(), String> {
    // Standard output is not kept: the server would inherit a pipe and hold it open.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("{command:?}: {other:?}")),
    }
}

/// The state and the parent of a process, while there is one.
fn state_and_parent(id: &str) -> Option<(char, u32)> {
    let stat = fs::read_to_string(Path::new("/proc").join(id).join("stat")).ok()?;
    // The name before may hold blanks and brackets.
    let mut rest = stat.rsplit_once(") ")?.1.split(' ');
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}

/// A process that has just ended by itself is no failure.
fn signal(which: &str, to: &[u32]) {
    let _ = Command::new("kill").arg(which).args(to.iter().map(u32::to_string)).stderr(Stdio::null()).status();
}

fn children(of: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| state_and_parent(&id.to_string()).is_some_and(|(_, parent)| parent == of)).collect()
}

/// Does it still run? One that has ended and waits to be noticed does not.
fn alive(id: u32) -> bool {
    state_and_parent(&id.to_string()).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}
