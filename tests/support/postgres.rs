//! A PostgreSQL server of one test alone, which may be stopped in every way there is.

use std::{
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster in a folder that goes with it.
pub struct Server {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

impl Server {
    /// Makes a cluster and starts it. Fails the test where PostgreSQL is not installed.
    pub fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let server = Server { programs: programs(), folder, port: free_port() };
        std::fs::set_permissions(server.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        if is_root() {
            succeed(Command::new("chown").arg("postgres").arg(server.folder.path()));
        }
        let data = server.data();
        let arguments = ["--username=minhutest", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
        succeed(server.program("initdb").args(arguments).arg("--pgdata").arg(&data));
        server.up();
        server
    }

    /// The address of its one database.
    pub fn url(&self) -> String {
        format!("postgres://minhutest@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it again after [`Server::down`].
    pub fn up(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("data/log");
        let mut start = self.program("pg_ctl");
        start
            .args(["start", "--no-wait", "--silent", "--options", &options])
            .arg("--pgdata")
            .arg(self.data())
            .arg("--log")
            .arg(log);
        succeed(&mut start);
        let begun = Instant::now();
        let ready = || {
            self.program("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]).status().unwrap().success()
        };
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() || !ready() {
            assert!(begun.elapsed() < PATIENCE, "PostgreSQL does not start: {}", self.words_of_the_log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it as a power cut would.
    pub fn down(&self) {
        succeed(self.program("pg_ctl").args(["stop", "--mode=immediate", "--silent", "--pgdata"]).arg(self.data()));
    }

    /// Its processes do nothing any more, and its connections stay open.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// They go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Sends a signal to the first process of the cluster and to its children.
    fn signal(&self, name: &str) {
        let Ok(pids) = std::fs::read_to_string(self.data().join("postmaster.pid")) else { return };
        let first = pids.lines().next().unwrap().to_owned();
        let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap();
        // Some may have ended meanwhile.
        let all = std::iter::once(first.as_str()).chain(children.split_whitespace());
        let _ = Command::new("kill").arg(name).args(all).stderr(Stdio::null()).status();
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of PostgreSQL's programs; the server refuses to run as root.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn words_of_the_log(&self) -> String {
        std::fs::read_to_string(self.data().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.thaw();
        let _ = self.program("pg_ctl").args(["stop", "--mode=immediate", "--silent", "--pgdata"]).arg(self.data()).status();
    }
}

/// Where the programs are: Debian keeps them outside the path.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut folders: Vec<PathBuf> = versions.chain(["/usr/local/bin", "/usr/bin"].map(PathBuf::from)).collect();
    folders.retain(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists());
    folders.sort_by_key(|folder| version(folder));
    folders.pop().expect("PostgreSQL's initdb and pg_ctl are installed (on Debian: apt-get install postgresql)")
}

fn version(folder: &Path) -> u32 {
    folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse().ok()).unwrap_or(0)
}

fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output().unwrap();
    said.stdout.trim_ascii() == b"0"
}

fn succeed(command: &mut Command) {
    let said = command.stderr(Stdio::piped()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(said.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said.stderr));
}

/// A port below those that the system gives to outgoing connections.
fn free_port() -> u16 {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).unwrap();
    let first = 20_000 + u16::from_ne_bytes(bytes) % 12_000;
    (first..32_768).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}
