//! A PostgreSQL cluster of one test alone, which may be killed and started again.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Whom the server runs as where the test runs as root, which the server refuses.
const UNPRIVILEGED: &str = "postgres";

/// A server on a free port of this machine, with its files in a folder of its own. It ends with this value.
pub struct Cluster {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
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
        let cluster = Cluster { programs, folder, port };
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

    /// Starts the server after it was killed; it comes back with what was committed.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&self) -> Result<(), String> {
        let folder = self.folder.path().display();
        let options =
            format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c max_connections=100", self.port);
        let mut start = self.program("pg_ctl");
        start.args(["start", "-w", "-s", "-t", "120", "-o", &options]).arg("-D").arg(self.data());
        let log = self.folder.path().join("log");
        run(start.arg("-l").arg(&log)).map_err(|error| format!("{error}\n{}", fs::read_to_string(log).unwrap_or_default()))
    }

    /// Kills the server and all its processes, as a power cut would: nobody has time for anything.
    pub fn kill(&self) {
        let Some(server) = self.server() else { return };
        // Stopped first, so that no process is born meanwhile.
        signal("-STOP", &[server]);
        let mut victims = children(server);
        victims.push(server);
        signal("-KILL", &victims);
        while victims.iter().any(|id| alive(*id)) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Lets the server end all connections at once and stop without tidying up.
    pub fn stop_at_once(&self) {
        let _ = run(self.program("pg_ctl").args(["stop", "-s", "-m", "immediate", "-D"]).arg(self.data()));
    }

    fn server(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
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
