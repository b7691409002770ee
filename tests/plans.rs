//! No statement that the service runs while it works looks at all of a table that grows.
//!
//! Stories are played and every statement they run is written down; then each is explained by a database with many tickets. SQLite
//! is explained as it runs in service, without statistics: its plans follow from the tables alone and do not change under the
//! service. PostgreSQL gathers statistics by itself and is explained with them, as a prepared statement.
#![cfg(test)]

#[expect(dead_code, reason = "the stories' own test uses the rest")]
mod support;

use minhu::{
    app::{self, fill},
    clock,
    db::{Db, Kind},
    people::{org, store},
    seal::Keys,
};
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use support::{chat::Chat, database::Database, play};
use tracing::field::{Field, Visit};
use tracing_subscriber::{Layer, layer::Context, prelude::*};

/// Stories that together run nearly every statement.
const STORIES: &[&str] = &[
    "全程/村民反映机井，水务局办结，村民评价",
    "同一件/站得近的两个村的人报的是一盏灯",
    "同一件/自己报过已经办完的，选它就再办一次",
    "同一件/匿名的一起反映，谁也看不到",
    "快办/十件三条消息派完",
    "快办/一句全签五件",
    "快办/待审里看得到结果",
    "快办/编号不写也知道是哪件",
    "快办/办结以后私聊发照片",
    "撤销/几件一起办的一起撤销",
    "撤销/派错了十分钟里能撤销，发过的都更正",
    "撤销/并单能撤销",
    "并单/两件并一件，两个人都收到结果",
    "联办/一句话派给几家一起办",
    "督办/督办写明要求和期限，单位书面回复",
    "查验/请小组查验，群里只有编号",
    "代表/找代表，他先知道，当场解决",
    "代表/我的小组看成员和没办完的事",
    "代表/建议先存草稿，以后再提交",
    "身份/不办这件的人查了，纪检看得到",
    "身份/看身份留痕，反映人问得到",
    "争议/移交纪检以后只有纪检看得到",
    "争议/待发的通知移交纪检后不再发",
    "举报/纪检受理、追问、办结，村民评价",
    "保密/查询码谁拿着都能查，看不到是谁",
    "推送/微信窗口关了先留着，下次来再给",
    "推送/十分钟里的合成一张清单",
    "反映/重发的消息只算一次",
    "反映/两小时没答提醒一次",
    "反映/放了一天就忘了",
    "反映/九十天里办结过同类的，告诉受理员",
    "评价/归档后代表要求重办",
    "管理/换联络员",
    "管理/停用一个人",
    "挂账/派单员提，县人大同意，群众知道计划",
    "回访/没打通记一次，打通了一句话记完",
    "闲聊/什么都没有的时候看我的",
    "人员/用绑定码接上新手机",
];

/// Tables that may be read from end to end, and why.
const SMALL: &[(&str, &str)] = &[
    ("area", "the organisation: read whole when it changes"),
    ("unit", "the organisation"),
    ("field", "the organisation"),
    ("rule", "the organisation"),
    ("role_grant", "the organisation"),
    ("deputy_group", "the organisation"),
    ("chat_group", "the organisation"),
    ("setting", "a few rows"),
    ("id_block", "one row"),
    ("job", "a few rows"),
    ("lease", "a row for each thing that one process does for all"),
    ("quota", "a row for each channel and month"),
    ("binding_code", "a row for each code of a member of staff"),
    ("phone_wait", "staff whose account was looked for today"),
    ("code_guess", "wrong codes of a day"),
    ("fault", "turns that failed: none, or there is other work to do"),
];

/// Indexes that may be walked from end to end: they hold only what waits, or are left as soon as enough is found.
const WALKED: &[&str] = &[
    "outbox_queue",
    "outbox_lane",
    "outbox_said",
    "media_fetching",
    "media_loose",
    "conversation_dialog",
    "person_staff",
    "reporter_nameless",
    "spot_check_person",
    "spot_check_group",
    "suggestion_open",
    // In the order of the list, with a LIMIT.
    "ticket_submitted",
];

/// Rows from which on PostgreSQL has a reason to use an index.
const MANY: i64 = 5_000;
const TICKETS: i64 = 20_000;

/// Every statement that was run.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<BTreeSet<String>>>);

#[derive(Default)]
struct Statement {
    summary: String,
    whole: String,
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.summary = value.to_owned(),
            "db.statement" => self.whole = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl<S: tracing::Subscriber> Layer<S> for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        let sql = if statement.whole.trim().is_empty() { statement.summary } else { statement.whole };
        self.0.lock().unwrap().insert(sql.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

/// Does the statement read or change rows? The rest are settings, transactions and the tables themselves.
fn explainable(sql: &str) -> bool {
    let about_itself = sql.contains("_sqlx_migrations") || sql.contains("pg_catalog");
    ["SELECT ", "UPDATE ", "DELETE ", "INSERT "].iter().any(|verb| sql.starts_with(verb)) && !about_itself && sql.contains(' ')
}

/// A database with many tickets.
async fn filled(url: &str) -> Db {
    let db = Db::open(url, 2).await.unwrap();
    db.migrate().await.unwrap();
    let keys = Keys::new(&[7; 32], &[]);
    let now = clock::parse("2026-11-23T10:00:00+08:00").unwrap();
    let current = store::current(&mut db.read().await.unwrap(), &keys).await.unwrap();
    app::import(&db, &keys, &org::demonstration().unwrap(), &current, now).await.unwrap();
    let wanted = fill::Wanted { tickets: TICKETS, open: 1_000, seed: 1 };
    fill::fill(&db, &keys, "sim", now, wanted, |_| {}).await.unwrap();
    db
}

/// The tables that are not small and, on PostgreSQL, hold many rows now.
async fn growing(conn: &mut AnyConnection, kind: Kind) -> Vec<String> {
    let list = match kind {
        Kind::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
        Kind::Postgres => "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'",
    };
    let tables: Vec<String> = sqlx::query_scalar(list).fetch_all(&mut *conn).await.unwrap();
    let mut growing = Vec::new();
    for table in tables.into_iter().filter(|table| SMALL.iter().all(|(small, _)| small != table)) {
        let count: i64 =
            sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"))).fetch_one(&mut *conn).await.unwrap();
        if kind == Kind::Sqlite || count >= MANY {
            growing.push(table);
        }
    }
    growing
}

/// The lines of a statement's plan.
async fn plan(conn: &mut AnyConnection, kind: Kind, sql: &str) -> sqlx::Result<Vec<String>> {
    let explain = match kind {
        Kind::Sqlite => format!("EXPLAIN QUERY PLAN {sql}"),
        Kind::Postgres => {
            run(conn, &format!("PREPARE asked AS {sql}")).await?;
            let count = (1..).take_while(|n| sql.contains(&format!("${n}"))).count();
            let values = vec!["NULL"; count].join(", ");
            format!("EXPLAIN EXECUTE asked{}", if count > 0 { format!(" ({values})") } else { String::new() })
        }
    };
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *conn).await?;
    if kind == Kind::Postgres {
        run(conn, "DEALLOCATE asked").await?;
    }
    let column = if kind == Kind::Sqlite { 3 } else { 0 };
    rows.iter().map(|row| row.try_get(column)).collect()
}

async fn run(conn: &mut AnyConnection, sql: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await.map(|_| ())
}

/// Does this line read all of a table that grows?
fn scans(line: &str, growing: &[String], sql: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| !matches!(*word, "SCAN" | "Scan"));
    let (Some(_), Some(next)) = (words.next(), words.next()) else { return false };
    let table = if line.contains("Seq Scan on") { words.next().unwrap_or_default() } else { next };
    // SQLite names the alias.
    let is = |grows: &String| grows == table || sql.contains(&format!(" {grows} AS {table} "));
    let by_index = line.split_once("INDEX ").is_some_and(|(_, index)| WALKED.contains(&index.trim()));
    let whole = line.contains("Seq Scan on") || line.trim_start().starts_with("SCAN");
    whole && !by_index && growing.iter().any(is)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_a_whole_table_that_grows() {
    let log = Log::default();
    tracing_subscriber::registry().with(log.clone()).init();
    for story in STORIES {
        let source = std::fs::read_to_string(play::folder().join(format!("{story}.chat"))).unwrap();
        play::play(&Chat::parse(&source).unwrap()).await.unwrap_or_else(|wrong| panic!("{story}: {wrong}"));
    }
    let statements: Vec<String> =
        std::mem::take(&mut *log.0.lock().unwrap()).into_iter().filter(|sql| explainable(sql)).collect();
    assert!(statements.len() > 100, "only {} statements were written down", statements.len());

    let folder = tempfile::tempdir().unwrap();
    let database = Database::make(folder.path()).await.unwrap();
    let db = filled(&database.url).await;
    let kind = db.kind();
    let mut conn = db.read().await.unwrap();
    if kind == Kind::Postgres {
        run(&mut conn, "ANALYZE").await.unwrap();
        // The service forbids itself what is looked for here.
        run(&mut conn, "SET enable_seqscan = on").await.unwrap();
        run(&mut conn, "SET plan_cache_mode = force_generic_plan").await.unwrap();
    }
    let growing = growing(&mut conn, kind).await;
    let mut wrong = Vec::new();
    for sql in &statements {
        match plan(&mut conn, kind, sql).await {
            Ok(lines) if lines.iter().any(|line| scans(line, &growing, sql)) => {
                wrong.push(format!("{sql}\n    {}", lines.join("\n    ")));
            }
            Ok(_) => {}
            Err(error) => wrong.push(format!("{sql}\n    {error}")),
        }
    }
    drop(conn);
    db.close().await;
    database.remove().await;
    assert!(wrong.is_empty(), "{} of {} statements:\n\n{}", wrong.len(), statements.len(), wrong.join("\n\n"));
}

#[test]
fn what_reads_all_is_told_from_what_does_not() {
    let growing = ["ticket".to_owned(), "outbox".to_owned()];
    for (line, sql, expected) in [
        ("SCAN ticket", "", true),
        ("SCAN o", "SELECT id FROM outbox AS o WHERE 1", true),
        ("SCAN o", "SELECT id FROM job AS o WHERE 1", false),
        ("SCAN ticket USING COVERING INDEX ticket_seq", "", true),
        ("SCAN ticket USING INDEX ticket_submitted", "", false),
        ("SEARCH ticket USING INDEX ticket_seq (seq=?)", "", false),
        ("SCAN job", "", false),
        ("  ->  Seq Scan on ticket  (cost=0.00..1.00 rows=1 width=8)", "", true),
        ("  ->  Seq Scan on outbox o  (cost=0.00..1.00 rows=1 width=8)", "", true),
        ("  ->  Parallel Seq Scan on ticket  (cost=0.00..1.00 rows=1 width=8)", "", true),
        ("Seq Scan on setting  (cost=0.00..1.00 rows=1 width=8)", "", false),
        ("  ->  Index Scan using ticket_pkey on ticket  (cost=0.00..1.00 rows=1 width=8)", "", false),
        ("  ->  Bitmap Heap Scan on ticket  (cost=0.00..1.00 rows=1 width=8)", "", false),
    ] {
        assert_eq!(scans(line, &growing, sql), expected, "{line}");
    }
}
