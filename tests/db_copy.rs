//! `minhu db`: what is copied is proven, and whatever goes wrong leaves nothing behind.
#![cfg(test)]

use minhu::{
    db::{self, Db},
    tickets::{Ticket, store},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const TICKETS: i64 = 700;
/// Bytes towards the server after which a connection breaks: in the middle of the tickets.
const BROKEN_AFTER: u64 = 100_000;

/// A folder with a SQLite installation in it.
async fn source() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/old.db", folder.path().display());
    let db = Db::open(&url, 1).await.unwrap();
    db.migrate().await.unwrap();
    let mut tx = db.write().await.unwrap();
    for seq in 1..=TICKETS {
        let ticket = Ticket {
            id: tx.id().unwrap(),
            number: format!("WY261123{seq:04}"),
            day: "261123".into(),
            seq,
            area: "131122102".into(),
            text: "“引号”、'单引号'、\\、换行\n、𠀀和空格 ".into(),
            ..Ticket::blank(1_795_399_200_000)
        };
        store::insert(&mut tx, &ticket, &format!("code {seq}"), None).await.unwrap();
    }
    let real = "UPDATE ticket SET lat = 37.8012345678901, lng = -0.0 WHERE seq % 2 = 0";
    sqlx::query(real).execute(tx.conn()).await.unwrap();
    // Two rows that are the same, in a table without a key.
    for _ in 0..2 {
        sqlx::query("INSERT INTO code_guess (holder, at) VALUES ('same', 1)").execute(tx.conn()).await.unwrap();
    }
    sqlx::query("INSERT INTO sequence (name, next) VALUES ('WY261123', 701)").execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    (folder, url)
}

/// Runs statements that the program itself would never run.
async fn run(url: &str, sql: &str) {
    let db = Db::open(url, 1).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *db.read().await.unwrap()).await.unwrap();
    db.close().await;
}

async fn count(url: &str, table: &str) -> i64 {
    let db = Db::open(url, 1).await.unwrap();
    let sql = format!("SELECT COUNT(*) FROM {table}");
    let count = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *db.read().await.unwrap()).await.unwrap();
    db.close().await;
    count
}

/// An empty database of the server, removed at the end; `None` where there is no server.
struct OnServer {
    server: String,
    name: String,
    url: String,
}

impl OnServer {
    async fn make(name: &str) -> Option<OnServer> {
        let server = std::env::var("MINHUTEST_DATABASE_URL").ok()?;
        let name = format!("minhutest_copy_{}_{name}", std::process::id());
        let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
        let mut conn = PgConnection::connect(&server).await.unwrap();
        conn.execute(AssertSqlSafe(format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))).await.unwrap();
        Some(OnServer { server, name, url })
    }

    async fn remove(self) {
        let mut conn = PgConnection::connect(&self.server).await.unwrap();
        conn.execute(AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.name))).await.unwrap();
    }
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// The program, with nothing of the surroundings' own settings.
fn minhu(folder: &Path, args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minhu"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MINHU")) {
        command.env_remove(name);
    }
    let output = command.current_dir(folder).args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn copy(folder: &Path, from: &str, to: &str) -> Said {
    minhu(folder, &["db", "copy", "--from", from, "--to", to])
}

#[tokio::test]
async fn everything_arrives_in_either_direction_and_what_comes_back_is_the_same() {
    let (folder, old) = source().await;
    let here = folder.path();
    let server = OnServer::make("arrives").await;
    let between = server.as_ref().map_or_else(|| format!("sqlite://{}/between.db", here.display()), |made| made.url.clone());
    let back = format!("sqlite://{}/back.db", here.display());
    std::fs::write(here.join("to"), format!("{between}\n")).unwrap();
    let there = copy(here, &old, "file:to");
    assert_eq!(there.code, 0, "{}", there.err);
    let again = copy(here, &between, &back);
    assert_eq!(again.code, 0, "{}", again.err);
    let table = |said: &Said| {
        said.out.lines().take_while(|line| !line.is_empty() && !line.starts_with("搬好了")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(table(&there), table(&again), "the checksums do not depend on the database");
    assert!(there.out.contains("security.key 要用原来的") && there.out.contains("media.dir"), "{}", there.out);
    assert_eq!((count(&back, "ticket").await, count(&back, "code_guess").await), (TICKETS, 2));
    assert_eq!(count(&back, "sequence WHERE next = 701").await, 1);

    // Every table there is, told by the database itself, stands in the list.
    let db = Db::open(&old, 1).await.unwrap();
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut *db.read().await.unwrap())
    .await
    .unwrap();
    db.close().await;
    assert!(names.len() > 25);
    for name in names {
        assert!(there.out.lines().any(|line| line.split_whitespace().next() == Some(&name)), "{name} is missing\n{}", there.out);
    }
    if let Some(server) = server {
        server.remove().await;
    }
}

#[tokio::test]
async fn a_target_that_holds_something_is_refused_and_left_as_it_is() {
    let (folder, old) = source().await;
    let new = format!("sqlite://{}/new.db", folder.path().display());
    assert_eq!(copy(folder.path(), &old, &new).code, 0);
    run(&new, "DELETE FROM ticket WHERE seq > 1").await;
    let said = copy(folder.path(), &old, &new);
    assert!(said.code == 1 && said.err.contains("已经有数据了（ticket）"), "{}", said.err);
    assert_eq!(count(&new, "ticket").await, 1);
    let said = copy(folder.path(), &old, &old);
    assert!(said.code == 1 && said.err.contains("同一个"), "{}", said.err);
}

#[tokio::test]
async fn a_database_that_a_service_works_on_is_refused() {
    let (folder, old) = source().await;
    let here = folder.path();
    let new = format!("sqlite://{}/new.db", here.display());
    let service = db::Alone::at(&old).unwrap();
    let said = copy(here, &old, &new);
    assert!(said.code == 3 && said.err.contains("正有一个民呼服务在用"), "{} {}", said.code, said.err);
    drop(service);
    if let Some(server) = OnServer::make("used").await {
        let db = Db::open(&server.url, 1).await.unwrap();
        db.migrate().await.unwrap();
        let now = minhu::clock::Clock::system().now();
        assert!(db::lease::take(&db, "upkeep", 60_000, now).await.unwrap());
        let said = copy(here, &old, &server.url);
        assert!(said.code == 1 && said.err.contains("请先全部停掉"), "{} {}", said.code, said.err);
        db::lease::give_all_back(&db).await.unwrap();
        db.close().await;
        assert_eq!(copy(here, &old, &server.url).code, 0);
        server.remove().await;
    }
    assert_eq!(copy(here, &old, &new).code, 0);
}

#[tokio::test]
async fn a_source_that_is_not_there_not_ours_or_of_another_version_is_refused_and_not_made() {
    let (folder, old) = source().await;
    let here = folder.path();
    let new = format!("sqlite://{}/new.db", here.display());
    let said = copy(here, "sqlite://nowhere.db", &new);
    assert!(said.code == 1 && said.err.contains("nowhere.db"), "{}", said.err);
    assert!(!here.join("nowhere.db").exists() && !here.join("new.db").exists());
    assert_eq!(copy(here, "mysql://h/d", &new).code, 1);
    std::fs::write(here.join("other.db"), "").unwrap();
    let said = copy(here, "sqlite://other.db", &new);
    assert!(said.code == 1 && said.err.contains("没有民呼的数据"), "{}", said.err);
    run(&old, "CREATE TABLE own (a BIGINT)").await;
    let said = copy(here, &old, &new);
    assert!(said.code == 1 && said.err.contains("两边的表不一样：own"), "{}", said.err);
    run(&old, "DROP TABLE own; DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)").await;
    let said = copy(here, &old, &new);
    assert!(said.code == 1 && said.err.contains("minhu migrate"), "{}", said.err);
    assert_eq!(count(&new, "ticket").await, 0);
}

#[tokio::test]
async fn a_damaged_value_is_named_without_being_shown_and_nothing_is_kept() {
    let (folder, old) = source().await;
    let here = folder.path();
    for (damage, says) in [
        ("UPDATE ticket SET round = '一百三十八' WHERE seq = 650", "ticket 的第 650 行，round 里不是整数"),
        ("UPDATE ticket SET title = X'00FF' WHERE seq = 3", "ticket 的第 3 行，title 里不是文字"),
        ("UPDATE ticket SET signed_off = 70000 WHERE seq = 3", "signed_off 里不是整数"),
        ("UPDATE ticket SET lat = '一百三十八' WHERE seq = 3", "lat 里不是数"),
        ("UPDATE ticket SET title = CAST(X'61FF' AS TEXT) WHERE seq = 3", "ticket 的第 3 行"),
        ("UPDATE ticket SET title = CAST(X'610062' AS TEXT) WHERE seq = 3", "title 里不是文字"),
    ] {
        let new = format!("sqlite://{}/new.db", here.display());
        let broken = format!("sqlite://{}/broken.db", here.display());
        std::fs::copy(here.join("old.db"), here.join("broken.db")).unwrap();
        run(&broken, damage).await;
        let said = copy(here, &broken, &new);
        assert!(said.code == 1 && said.err.contains(says), "{damage}: {} {}", said.code, said.err);
        assert!(!said.err.contains("一百三十八"), "{}", said.err);
        assert_eq!(count(&new, "ticket").await, 0, "{damage}");
        std::fs::remove_file(here.join("broken.db")).unwrap();
    }
    assert_eq!(copy(here, &old, &format!("sqlite://{}/new.db", here.display())).code, 0, "the same target is still good");
}

#[tokio::test]
async fn a_target_that_keeps_something_else_than_it_was_given_is_found_out() {
    let (folder, old) = source().await;
    let new = format!("sqlite://{}/new.db", folder.path().display());
    let db = Db::open(&new, 1).await.unwrap();
    db.migrate().await.unwrap();
    db.close().await;
    for (kind, change) in [
        ("lost", "DELETE FROM ticket WHERE id = new.id AND new.seq = 77"),
        ("doubled", "INSERT INTO code_guess (holder, at) SELECT 'same', 1 WHERE new.seq = 77"),
        ("changed", "UPDATE ticket SET title = '别的' WHERE id = new.id AND new.seq = 77"),
    ] {
        run(&new, &format!("CREATE TRIGGER {kind} AFTER INSERT ON ticket BEGIN {change}; END")).await;
        let said = copy(folder.path(), &old, &new);
        assert!(said.code == 1 && said.err.contains("一行也没有留下"), "{kind}: {} {}", said.code, said.err);
        let odd = said.out.lines().find(|line| line.ends_with("不一样")).unwrap_or_else(|| panic!("{kind}: {}", said.out));
        assert!(odd.starts_with(if kind == "doubled" { "code_guess" } else { "ticket" }), "{odd}");
        assert_eq!(count(&new, "ticket").await + count(&new, "code_guess").await, 0, "{kind}");
        run(&new, &format!("DROP TRIGGER {kind}")).await;
    }
    assert_eq!(copy(folder.path(), &old, &new).code, 0);
}

/// Passes bytes between whoever connects and the server, and hangs up after so many towards the server.
async fn fragile(server: String, most: u64) -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let counter = Arc::new(AtomicU64::new(0));
    let passed = counter.clone();
    tokio::spawn(async move {
        while let Ok((ours, _)) = listener.accept().await {
            let theirs = TcpStream::connect(&server).await.unwrap();
            let (mut from_us, mut to_us) = ours.into_split();
            let (mut from_them, mut to_them) = theirs.into_split();
            let passed = passed.clone();
            let answers = tokio::spawn(async move { tokio::io::copy(&mut from_them, &mut to_us).await });
            tokio::spawn(async move {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = from_us.read(&mut bytes).await {
                    if passed.fetch_add(count as u64, Ordering::Relaxed) > most
                        || to_them.write_all(&bytes[..count]).await.is_err()
                    {
                        break;
                    }
                }
                answers.abort();
            });
        }
    });
    (port, counter)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_in_the_middle_leaves_nothing() {
    let (folder, old) = source().await;
    let Some(server) = OnServer::make("breaks").await else { return };
    let db = Db::open(&server.url, 1).await.unwrap();
    db.migrate().await.unwrap();
    db.close().await;
    let address = server.url.split_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
    let (port, passed) = fragile(address.clone(), BROKEN_AFTER).await;
    let through = server.url.replace(&address, &format!("127.0.0.1:{port}"));
    let here = folder.path().to_owned();
    let said = tokio::task::spawn_blocking({
        let (old, here) = (old.clone(), here.clone());
        move || copy(&here, &old, &through)
    });
    let said = said.await.unwrap();
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    assert!(passed.load(Ordering::Relaxed) > BROKEN_AFTER, "it failed before the connection broke: {}", said.err);
    assert_eq!((count(&server.url, "ticket").await, count(&server.url, "code_guess").await), (0, 0));
    assert_eq!(copy(&here, &old, &server.url).code, 0, "nothing stands in the way of the next try");
    server.remove().await;
}

#[tokio::test]
async fn whoever_writes_to_the_source_waits_until_the_copy_is_through() {
    let (folder, old) = source().await;
    let from = Db::open(&old, 2).await.unwrap();
    let to = Db::open(&format!("sqlite://{}/new.db", folder.path().display()), 1).await.unwrap();
    let tables = Arc::new(AtomicU64::new(0));
    let counting = tables.clone();
    let copying = tokio::spawn(async move {
        let count = move |_: &str, _| _ = counting.fetch_add(1, Ordering::SeqCst);
        (db::copy(&from, &to, 1_795_399_200_000, count).await, from)
    });
    while tables.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    run(&old, "DELETE FROM ticket").await;
    let read = tables.load(Ordering::SeqCst) as usize;
    let (moved, from) = copying.await.unwrap();
    let moved = moved.unwrap();
    assert_eq!(read, moved.len() + 1, "the deletion came before the copy was through");
    let tickets = moved.iter().find(|moved| moved.table == "ticket").unwrap();
    assert_eq!((tickets.read.rows, tickets.read), (TICKETS as u64, tickets.written));
    from.close().await;
    assert_eq!(count(&old, "ticket").await, 0);
}
