//! What lies in `deploy/`, tried on the real program: backup under load and restore, and two replicas behind nginx.
//!
//! With `MINHUTEST_DATABASE_URL` on PostgreSQL. nginx is used where it is installed; `tests/all.sh` installs it and sets `MINHUTEST_NGINX`.
#![cfg(test)]

use base64::{Engine, engine::general_purpose::STANDARD};
use minhu::clock::Clock;
use sha1::{Digest, Sha1};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, PgConnection};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

const TOKEN: &str = "deploytoken";

/// Steps of a report and what each answer holds.
const REPORT: [(&str, &str); 4] =
    [("我要反映", "是哪个村的"), ("前观津", "出了什么事"), ("夜里有人打井抽水卖", "请看对不对"), ("提交", "收到了，编号")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An installation in a folder of its own.
struct Installation {
    folder: tempfile::TempDir,
    url: String,
    /// The server's own address and the database that was made there.
    made: Option<(String, String)>,
}

impl Installation {
    async fn make(name: &str) -> Installation {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display().to_string();
        let (url, made) = match std::env::var("MINHUTEST_DATABASE_URL") {
            Err(_) => (format!("sqlite://{here}/minhu.db"), None),
            Ok(server) => {
                let name = format!("minhutest_deploy_{}_{name}", std::process::id());
                (format!("{}/{name}", server.rsplit_once('/').unwrap().0), Some((server, name)))
            }
        };
        let installation = Installation { folder, url, made };
        installation.create().await;
        let organisation = fs::read_to_string(root().join("deploy/demo/org.toml")).unwrap().replace("\"sim:", "\"ding:");
        fs::write(installation.path("org.toml"), organisation).unwrap();
        installation.set_key(&[7; 32]);
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\n[database]\nurl = \"{}\"\n\
             [media]\ndir = \"{here}/media\"\n[paths]\norg = \"{here}/org.toml\"\n[security]\nkey = \"file:{here}/key\"\n[limits]\nperson = \"none\"\n\
             [[channel]]\nkind = \"wechat\"\nid = \"mp\"\napp_id = \"wx0000000000000007\"\nsecret = \"s\"\ntoken = \"{TOKEN}\"\n\
             mode = \"plain\"\napi_base = \"http://127.0.0.1:9\"\n\
             [[channel]]\nkind = \"dingtalk\"\nid = \"ding\"\nclient_id = \"d\"\nclient_secret = \"s\"\nrobot_code = \"d\"\n\
             api_base = \"http://127.0.0.1:9\"\noapi_base = \"http://127.0.0.1:9\"\n",
            installation.url
        );
        fs::write(installation.path("minhu.toml"), config).unwrap();
        installation
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn set_key(&self, key: &[u8; 32]) {
        fs::write(self.path("key"), STANDARD.encode(key)).unwrap();
    }

    async fn create(&self) {
        if let Some((server, name)) = &self.made {
            on(server, &format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")).await;
        }
    }

    async fn drop_database(&self) {
        if let Some((server, name)) = &self.made {
            on(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MINHU")) {
            command.env_remove(name);
        }
        command.env("MINHU", env!("CARGO_BIN_EXE_minhu")).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs one of the two scripts on this installation.
    fn script(&self, name: &str, args: &[&str]) -> Said {
        let mut command = self.command("bash");
        command.arg(root().join("deploy").join(name)).args(args).args(["--config", "minhu.toml", "--media", "media"]);
        command.output().unwrap().into()
    }

    /// A process that serves, when it listens.
    fn serve(&self) -> Replica {
        let mut child = self
            .command(env!("CARGO_BIN_EXE_minhu"))
            .args(["serve", "--config", "minhu.toml"])
            .env("MINHU_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let says = lines.map_while(Result::ok).find(|line| line.starts_with("民呼在 ")).expect("it does not listen");
        Replica { child, address: says.split_whitespace().nth(1).unwrap().to_owned() }
    }

    async fn words(&self, query: &str) -> Vec<String> {
        sqlx::any::install_default_drivers();
        let mut conn = AnyConnection::connect(&self.url).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_all(&mut conn).await.unwrap()
    }
}

async fn on(server: &str, statement: &str) {
    let mut conn = PgConnection::connect(server).await.unwrap();
    conn.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A process that ends at the latest with the test.
struct Replica {
    child: Child,
    address: String,
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The platform, as far as messages of citizens go.
struct WeChat {
    http: reqwest::Client,
    messages: AtomicU64,
}

impl WeChat {
    fn new() -> WeChat {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        WeChat { http, messages: AtomicU64::new(1) }
    }

    /// Delivers a message up to five times, as long as it is not taken; gives the answer.
    async fn say(&self, address: &str, openid: &str, words: &str) -> Option<String> {
        let id = self.messages.fetch_add(1, Ordering::Relaxed);
        let seconds = (Clock::system().now() / 1000).to_string();
        let mut signed = [TOKEN, &seconds, "nonce"];
        signed.sort_unstable();
        let signature: String = Sha1::digest(signed.concat()).iter().map(|byte| format!("{byte:02x}")).collect();
        let url = format!("http://{address}/hook/mp?signature={signature}&timestamp={seconds}&nonce=nonce&openid={openid}");
        let body = format!(
            "<xml><ToUserName>gh_deploy</ToUserName><FromUserName>{openid}</FromUserName><CreateTime>{seconds}</CreateTime>\
             <MsgType>text</MsgType><Content><![CDATA[{words}]]></Content><MsgId>{id}</MsgId></xml>"
        );
        for _ in 0..5 {
            if let Ok(response) = self.http.post(&url).body(body.clone()).send().await
                && response.status().is_success()
            {
                return response.text().await.ok();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        None
    }

    /// Says these steps; gives the last answer, which is as it should be.
    async fn report(&self, address: &str, openid: &str, steps: &[(&str, &str)]) -> String {
        let mut last = String::new();
        for (words, answer) in steps {
            last = self.say(address, openid, words).await.unwrap_or_else(|| panic!("{openid}: {words} was not taken"));
            // Everybody reports the same thing; it is a matter of its own all the same.
            if last.contains("是不是下面这件事") {
                last = self.say(address, openid, "都不是").await.unwrap_or_else(|| panic!("{openid}: not taken"));
            }
            assert!(last.contains(answer), "{openid}: {words}: {last}");
        }
        last
    }
}

/// The generations in a folder, oldest first.
fn generations(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("minhu-"));
    found.sort();
    found
}

fn same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(a).unwrap().ino() == fs::metadata(b).unwrap().ino()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_backed_up_under_load_is_restored_and_goes_on() {
    let there = Installation::make("backup").await;
    let service = there.serve();
    let (platform, busy, filed) = (WeChat::new(), AtomicBool::new(true), AtomicU64::new(0));
    let address = &service.address;

    // One is in the middle of a report, one has filed his, a file lies on the shelf.
    platform.report(address, "half", &REPORT[..2]).await;
    platform.report(address, "early", &REPORT).await;
    fs::create_dir_all(there.path("media/00/01")).unwrap();
    fs::write(there.path("media/00/01/1.copy"), "sealed 1").unwrap();

    let load = async {
        let one = async |name: &str| {
            for report in 0.. {
                if !busy.load(Ordering::Relaxed) {
                    break;
                }
                platform.report(address, &format!("{name}_{report}"), &REPORT).await;
                filed.fetch_add(1, Ordering::Relaxed);
            }
        };
        tokio::join!(one("a"), one("b"), one("c"));
    };
    let script = |args: &'static [&'static str]| {
        let there = &there;
        tokio::task::block_in_place(move || there.script("backup.sh", args))
    };
    let backups = async {
        while filed.load(Ordering::Relaxed) < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let first = script(&["--to", "backups", "--keep", "2"]);
        assert_eq!(first.code, 0, "{}{}", first.out, first.err);
        assert!(first.err.contains("钥匙") && !there.path("backups").join("key").exists(), "{}", first.err);
        fs::write(there.path("media/00/01/2.copy"), "sealed 2").unwrap();
        let before = there.words("SELECT number FROM ticket").await;
        let second = script(&["--to", "backups", "--keep", "2"]);
        assert_eq!(second.code, 0, "{}{}", second.out, second.err);
        busy.store(false, Ordering::Relaxed);
        before
    };
    let ((), before) = tokio::join!(load, backups);
    let kept = generations(&there.path("backups"));
    assert_eq!(kept.len(), 2);
    let on_shelf = |generation: &PathBuf| generation.join("media/00/01/1.copy");
    assert!(same_file(&on_shelf(&kept[0]), &on_shelf(&kept[1])), "a file that is there is not copied again");
    assert!(!same_file(&on_shelf(&kept[1]), &there.path("media/00/01/1.copy")));
    // The database alone: for its owner's eyes, and never written over.
    let alone = || -> Said {
        let mut command = there.command(env!("CARGO_BIN_EXE_minhu"));
        command.args(["db", "backup", "alone", "--config", "minhu.toml"]).output().unwrap().into()
    };
    assert_eq!((alone().code, alone().code), (0, 1));
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(there.path("alone")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(!kept[1].join("key").exists() && kept[1].join("media/00/01/2.copy").exists());
    assert!(before.len() >= 4, "{} tickets", before.len());

    // The machine is lost.
    drop(service);
    fs::remove_dir_all(there.path("media")).unwrap();
    there.drop_database().await;
    there.create().await;
    if there.made.is_none() {
        fs::write(there.path("minhu.db"), "lost").unwrap();
    }
    let newest = kept[1].to_str().unwrap();

    // A backup that was damaged is found out before anything is touched.
    let damaged = there.path("damaged");
    assert!(Command::new("cp").args(["-r", newest]).arg(&damaged).status().unwrap().success());
    fs::write(damaged.join("media/00/01/1.copy"), "other").unwrap();
    let said = there.script("restore.sh", &["damaged"]);
    assert!(said.code == 1 && said.err.contains("坏了"), "{}{}", said.out, said.err);
    assert!(!there.path("media").exists());

    let said = there.script("restore.sh", &[newest]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("都对得上"), "{}", said.out);
    assert_eq!(fs::read_to_string(there.path("media/00/01/2.copy")).unwrap(), "sealed 2");
    let after: BTreeSet<String> = there.words("SELECT number FROM ticket").await.into_iter().collect();
    assert!(before.iter().all(|number| after.contains(number)), "lost: {before:?} {after:?}");

    let service = there.serve();
    platform.report(&service.address, "half", &REPORT[2..]).await;
    let list = platform.say(&service.address, "early", "我的").await.unwrap();
    assert!(list.contains("前观津"), "{list}");
    let again = platform.report(&service.address, "late", &REPORT).await;
    let number = again.split_once("编号 ").unwrap().1.split('。').next().unwrap().to_owned();
    assert!(!after.iter().any(|old| old.ends_with(&number)), "number {number} was given twice");
    drop(service);

    // Whoever comes with another key is told so, and PostgreSQL never restores over data.
    there.set_key(&[8; 32]);
    if there.made.is_none() {
        let said = there.script("restore.sh", &[newest]);
        assert!(said.code == 1 && said.err.contains("钥匙"), "{}{}", said.out, said.err);
    } else {
        let said = there.script("restore.sh", &[newest]);
        assert!(said.code == 1 && said.err.contains("已经有表了"), "{}{}", said.out, said.err);
    }
    there.drop_database().await;
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_leaves_no_generation_and_says_so() {
    let there = Installation::make("refused").await;
    let said = there.script("backup.sh", &["--to", "backups"]);
    // SQLite: there is no database yet; PostgreSQL: an empty one is backed up like any other.
    assert_eq!(said.code, i32::from(there.made.is_none()), "{}{}", said.out, said.err);
    assert_eq!(generations(&there.path("backups")).len(), usize::from(there.made.is_some()));
    assert_eq!(there.script("backup.sh", &[]).code, 2);
    assert_eq!(there.script("backup.sh", &["--to", "backups", "--keep", "none"]).code, 2);
    assert_eq!(there.script("restore.sh", &[]).code, 2);
    assert_eq!(there.script("restore.sh", &["backups"]).code, 1);
    let config = fs::read_to_string(there.path("minhu.toml")).unwrap();
    fs::write(there.path("minhu.toml"), config.replace(&there.url, "postgres://u:hunter2@127.0.0.1:9/d")).unwrap();
    let said = there.script("backup.sh", &["--to", "backups"]);
    assert!(said.code == 3 && !said.err.contains("hunter2"), "{} {}", said.code, said.err);
    there.drop_database().await;
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// nginx with our configuration in front of these replicas; its log tells who went where.
fn nginx(folder: &Path, replicas: &[&Replica]) -> Option<Replica> {
    let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).exists())?;
    let port = free_port();
    let shipped = fs::read_to_string(root().join("deploy/nginx/minhu.conf")).unwrap();
    let log = "access_log /var/log/nginx/access.log minhu;";
    assert!(shipped.contains("listen 8000;") && shipped.contains(log));
    let own = shipped
        .replace("listen 8000;", &format!("listen 127.0.0.1:{port};"))
        .replace(log, &format!("access_log {}/access.log who;", folder.display()));
    fs::write(folder.join("minhu.conf"), own).unwrap();
    let servers = fs::read_to_string(root().join("deploy/nginx/replicas.conf")).unwrap();
    let servers = replicas
        .iter()
        .zip([8081, 8082])
        .fold(servers, |servers, (replica, port)| servers.replace(&format!("127.0.0.1:{port}"), &replica.address));
    fs::write(folder.join("replicas.conf"), servers).unwrap();
    let here = folder.display();
    let around = format!(
        "daemon off;\nmaster_process off;\npid {here}/pid;\nerror_log {here}/error.log;\nevents {{}}\nhttp {{\n\
         log_format who '$arg_openid $upstream_addr $upstream_status';\nclient_body_temp_path {here}/body;\n\
         proxy_temp_path {here}/proxy;\nfastcgi_temp_path {here}/f;\nuwsgi_temp_path {here}/u;\nscgi_temp_path {here}/s;\n\
         include minhu.conf;\n}}\n"
    );
    fs::write(folder.join("nginx.conf"), around).unwrap();
    let child = Command::new(program).arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).spawn().unwrap();
    Some(Replica { child, address: format!("127.0.0.1:{port}") })
}

/// Which replicas answered whom.
fn who_went_where(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut went: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in fs::read_to_string(folder.join("access.log")).unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        // Of several that were tried, the last one answered.
        let answered = words[1..].iter().rev().find(|word| word.contains(':')).unwrap();
        went.entry(words[0].to_owned()).or_default().insert((*answered).trim_end_matches(',').to_owned());
    }
    went
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_a_person_stays_on_a_replica_until_it_dies_and_loses_nothing() {
    const PEOPLE: usize = 24;
    let there = Installation::make("nginx").await;
    if there.made.is_none() {
        return;
    }
    let replicas = [there.serve(), there.serve()];
    let Some(proxy) = nginx(there.folder.path(), &[&replicas[0], &replicas[1]]) else {
        assert!(std::env::var_os("MINHUTEST_NGINX").is_none(), "nginx is missing");
        there.drop_database().await;
        return;
    };
    let platform = WeChat::new();
    let all = async |steps: &'static [(&str, &str)]| {
        let each = (0..PEOPLE).map(|person| {
            let (platform, proxy) = (&platform, &proxy);
            async move { platform.report(&proxy.address, &format!("person{person}"), steps).await }
        });
        futures_util::future::join_all(each).await;
    };
    all(&REPORT[..2]).await;
    let before = who_went_where(there.folder.path());
    assert_eq!(before.len(), PEOPLE);
    assert!(before.values().all(|replicas| replicas.len() == 1), "somebody changed: {before:?}");
    let used: BTreeSet<&String> = before.values().flatten().collect();
    assert_eq!(used.len(), 2, "everybody is on one replica");

    // One dies without a word; its people go on with the other, in the middle of their reports.
    let [first, second] = replicas;
    drop(first);
    all(&REPORT[2..]).await;
    let after = who_went_where(there.folder.path());
    assert!(after.values().all(|replicas| replicas.contains(&second.address)), "{after:?}");
    assert_eq!(there.words("SELECT CAST(number AS TEXT) FROM ticket").await.len(), PEOPLE);
    drop((second, proxy));
    there.drop_database().await;
}
