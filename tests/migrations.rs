//! What a migration may do while the program before it is still running beside the new one, and that all of them work on data.
//!
//! Migrations expand first: they add tables, columns with a default, and indexes. What takes something away comes in a later
//! release, marked `-- contract, unused since 0.3.0: why` before the statement, in a file that raises `oldest_program` to the newest
//! migration of the release that stopped using the thing.
#![cfg(test)]

#[path = "support/database.rs"]
mod database;

use database::Database;
use minhu::db::Db;
use sqlparser::{
    ast::{
        AlterTableOperation, ColumnOption, CreateIndex, Expr, FromTable, Insert, SetExpr, Statement, TableFactor, TableObject,
        TableWithJoins,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};
use sqlx::{AnyPool, AssertSqlSafe, Row};
use std::collections::{BTreeMap, BTreeSet};

/// The migrations before there were several programs on one database; no released program stood beside them.
const BEFORE_REPLICAS: i64 = 5;
/// Tables of a few rows, in which rows may be changed at once.
const SMALL: [&str; 6] = ["setting", "job", "sequence", "id_block", "lease", "access_token"];

/// The files by their numbers.
fn files() -> BTreeMap<i64, String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let read = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        (name.split('_').next().unwrap().parse().unwrap(), std::fs::read_to_string(&path).unwrap())
    });
    read.collect()
}

/// A file's statements, each with the comment lines before it.
fn statements(source: &str) -> Vec<(String, Statement)> {
    let mut all = Vec::new();
    let (mut comment, mut text) = (String::new(), String::new());
    for line in source.lines() {
        if line.trim_start().starts_with("--") {
            comment += line;
            comment.push('\n');
            continue;
        }
        text += line;
        text.push('\n');
        if line.trim_end().ends_with(';') {
            let parsed = Parser::parse_sql(&PostgreSqlDialect {}, &text);
            let parsed = parsed.unwrap_or_else(|error| panic!("a statement on lines of its own, please: {error}\n{text}"));
            all.extend(parsed.into_iter().map(|statement| (std::mem::take(&mut comment), statement)));
            text.clear();
        }
    }
    assert!(text.trim().is_empty(), "the last statement has no semicolon: {text}");
    all
}

/// The release named by a marker before a statement that takes something away.
fn marked(comment: &str) -> Option<&str> {
    let release = comment.lines().find_map(|line| line.trim().strip_prefix("-- contract, unused since "))?;
    let (release, why) = release.split_once(": ")?;
    let is_release = release.split('.').count() == 3 && release.split('.').all(|part| part.parse::<u32>().is_ok());
    (is_release && !why.trim().is_empty()).then_some(release)
}

/// Everything in a file that a program of the release before would not survive.
fn objections(number: i64, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut new_tables = BTreeSet::new();
    let (mut contracts, mut raised) = (false, None);
    if source.contains("no-transaction") {
        found.push("outside a transaction: what broke off half-way could not be run again".to_owned());
    }
    for (comment, statement) in statements(source) {
        if let Statement::Update(update) = &statement
            && statement.to_string().contains("'oldest_program'")
        {
            let value = update.assignments.first().map(|assignment| assignment.value.to_string());
            raised = value.and_then(|value| value.trim_matches('\'').parse::<i64>().ok());
        }
        if let Some(why) = objection(&statement, &mut new_tables) {
            match marked(&comment) {
                Some(_) => contracts = true,
                None => found.push(format!("{why}: {statement}")),
            }
        }
    }
    match (contracts, raised) {
        (true, None) => found.push("takes something away and does not raise oldest_program".to_owned()),
        (true, Some(oldest)) if oldest >= number => {
            found.push("oldest_program is the newest migration of the release that stopped using it, an earlier one".to_owned());
        }
        (false, Some(_)) => found.push("raises oldest_program and takes nothing away".to_owned()),
        _ => {}
    }
    found
}

/// Why the program before could not go on beside this statement. Tables made in the same file are nobody's yet.
fn objection(statement: &Statement, new_tables: &mut BTreeSet<String>) -> Option<&'static str> {
    match statement {
        Statement::CreateTable(table) => {
            new_tables.insert(table.name.to_string());
            table.query.is_some().then_some("a copy of rows that the old program goes on changing")
        }
        Statement::CreateIndex(index) => of_index(index, new_tables),
        Statement::AlterTable(table) if new_tables.contains(&table.name.to_string()) => None,
        Statement::AlterTable(table) => table.operations.iter().find_map(of_column),
        Statement::Insert(insert) => of_insert(insert, new_tables),
        Statement::Update(update) => of_rows(&update.table, new_tables),
        Statement::Delete(delete) => {
            let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
            tables.iter().find_map(|table| of_rows(table, new_tables))
        }
        Statement::Drop { .. } => Some("the old program may still use it"),
        _ => Some("not known to be safe"),
    }
}

/// An ordinary index keeps writers out while it is built: seconds at a million rows, in which hooks wait or are brought again.
fn of_index(index: &CreateIndex, new_tables: &BTreeSet<String>) -> Option<&'static str> {
    if index.concurrently {
        return Some("cannot run in a transaction, and SQLite does not know it");
    }
    let old = !new_tables.contains(&index.table_name.to_string());
    (index.unique && old).then_some("the old program may write what this forbids")
}

fn of_column(operation: &AlterTableOperation) -> Option<&'static str> {
    let AlterTableOperation::AddColumn { column_def, .. } = operation else {
        return Some("the old program reads and writes the table as it was");
    };
    let (mut not_null, mut default) = (false, false);
    for option in &column_def.options {
        match &option.option {
            ColumnOption::Null => {}
            ColumnOption::NotNull => not_null = true,
            ColumnOption::Default(Expr::Value(_) | Expr::UnaryOp { .. }) => default = true,
            ColumnOption::Default(_) => return Some("a default that is computed rewrites the whole table"),
            _ => return Some("the old program may write what this forbids"),
        }
    }
    (not_null && !default).then_some("the old program's rows have no value for it")
}

fn of_insert(insert: &Insert, new_tables: &BTreeSet<String>) -> Option<&'static str> {
    let values = insert.source.as_ref().is_some_and(|query| matches!(*query.body, SetExpr::Values(_)));
    if !values {
        return Some("a copy of rows that the old program goes on changing");
    }
    match &insert.table {
        TableObject::TableName(name) if SMALL.contains(&name.to_string().as_str()) => None,
        TableObject::TableName(name) if new_tables.contains(&name.to_string()) => None,
        _ => Some("rows the old program does not expect"),
    }
}

fn of_rows(table: &TableWithJoins, new_tables: &BTreeSet<String>) -> Option<&'static str> {
    match &table.relation {
        TableFactor::Table { name, .. } if SMALL.contains(&name.to_string().as_str()) => None,
        TableFactor::Table { name, .. } if new_tables.contains(&name.to_string()) => None,
        _ => Some("a large table is locked row by row until the end, and the old program goes on writing the old way"),
    }
}

#[test]
fn every_migration_leaves_the_program_before_it_working() {
    let found: Vec<String> = files()
        .iter()
        .filter(|(number, _)| **number > BEFORE_REPLICAS)
        .flat_map(|(number, source)| objections(*number, source).into_iter().map(move |why| format!("{number:04}: {why}")))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    // They are read too, so that the reader is known to read what we write.
    assert!(files().values().all(|source| !statements(source).is_empty()));
    let numbers: Vec<i64> = files().into_keys().collect();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "numbers without a gap");
}

#[test]
fn unsafe_migrations_are_refused() {
    const RAISED: &str = "UPDATE setting SET value = '7' WHERE name = 'oldest_program';";
    const MARK: &str = "-- contract, unused since 0.3.0: replaced by x\n";
    for (safe, source) in [
        (false, "DROP TABLE ticket;"),
        (false, "DROP INDEX ticket_day;"),
        (false, "ALTER TABLE ticket DROP COLUMN title;"),
        (false, "ALTER TABLE ticket RENAME COLUMN title TO heading;"),
        (false, "ALTER TABLE ticket RENAME TO matter;"),
        (false, "ALTER TABLE ticket ALTER COLUMN seq TYPE TEXT;"),
        (false, "ALTER TABLE ticket ALTER COLUMN title SET NOT NULL;"),
        (false, "ALTER TABLE ticket ALTER COLUMN events DROP DEFAULT;"),
        (false, "ALTER TABLE ticket ADD CONSTRAINT one UNIQUE (title);"),
        (false, "ALTER TABLE ticket ADD CONSTRAINT good CHECK (seq > 0);"),
        (false, "ALTER TABLE ticket ADD COLUMN x BIGINT NOT NULL;"),
        (false, "ALTER TABLE ticket ADD COLUMN x BIGINT UNIQUE;"),
        (false, "ALTER TABLE ticket ADD COLUMN x BIGINT DEFAULT 0 CHECK (x >= 0);"),
        (false, "ALTER TABLE ticket ADD COLUMN x BIGINT REFERENCES person (id);"),
        (false, "ALTER TABLE ticket ADD COLUMN x DOUBLE PRECISION DEFAULT random();"),
        (false, "CREATE UNIQUE INDEX one ON ticket (title);"),
        (false, "CREATE INDEX CONCURRENTLY many ON ticket (title);"),
        (false, "UPDATE ticket SET title = '';"),
        (false, "UPDATE ticket SET title = '' WHERE id = 1;"),
        (false, "DELETE FROM seen;"),
        (false, "INSERT INTO person (id) VALUES (1);"),
        (false, "CREATE TABLE copy AS SELECT * FROM ticket;"),
        (false, "CREATE TABLE copy (id BIGINT PRIMARY KEY);\nINSERT INTO copy (id) SELECT id FROM ticket;"),
        (false, "CREATE VIEW v AS SELECT 1;"),
        (false, "-- no-transaction\nCREATE TABLE t (id BIGINT);"),
        (false, "-- contract: unused\nDROP TABLE ticket;\nUPDATE setting SET value = '7' WHERE name = 'oldest_program';"),
        (false, &format!("{MARK}DROP TABLE ticket;")),
        (false, &format!("{MARK}DROP TABLE ticket;\nDROP TABLE person;\n{RAISED}")),
        (false, RAISED),
        (false, &format!("{MARK}DROP TABLE ticket;\nUPDATE setting SET value = '8' WHERE name = 'oldest_program';")),
        (true, &format!("{MARK}DROP TABLE ticket;\n{RAISED}")),
        (true, "CREATE TABLE t (id BIGINT PRIMARY KEY, x TEXT NOT NULL UNIQUE);\nCREATE UNIQUE INDEX t_x ON t (x);"),
        (
            true,
            "CREATE TABLE t (id BIGINT);\nINSERT INTO t (id) VALUES (1);\nUPDATE t SET id = 2;\nALTER TABLE t DROP COLUMN id;",
        ),
        (true, "ALTER TABLE ticket ADD COLUMN x TEXT;\nALTER TABLE ticket ADD COLUMN y BIGINT NOT NULL DEFAULT 0;"),
        (true, "ALTER TABLE ticket ADD COLUMN y BIGINT NOT NULL DEFAULT -1;"),
        (true, "CREATE INDEX many ON ticket (title) WHERE state = 'closed';"),
        (true, "INSERT INTO setting (name, value) VALUES ('x', '1');\nUPDATE setting SET value = '2' WHERE name = 'x';"),
    ] {
        let found = objections(8, source);
        assert_eq!(found.is_empty(), safe, "{source}\n{found:?}");
    }
}

/// A column: its type, and whether it may be empty.
type Columns = BTreeMap<String, (String, bool)>;

/// The tables of a database with their columns.
async fn schema(pool: &AnyPool, url: &str) -> BTreeMap<String, Columns> {
    let sql = if url.starts_with("sqlite") {
        "SELECT m.name, p.name, LOWER(p.type), CASE WHEN p.\"notnull\" = 1 OR p.pk > 0 THEN 'no' ELSE 'yes' END
         FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
    } else {
        "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT), LOWER(CAST(is_nullable AS TEXT))
         FROM information_schema.columns WHERE table_schema = 'public'"
    };
    let mut tables: BTreeMap<String, Columns> = BTreeMap::new();
    for row in sqlx::query(sql).fetch_all(pool).await.unwrap() {
        let nullable: String = row.get(3);
        tables.entry(row.get(0)).or_default().insert(row.get(1), (row.get(2), nullable == "yes"));
    }
    tables.remove("_sqlx_migrations");
    tables
}

/// Puts a row into every table, with these columns alone; numbers are `n`, so that rows refer to each other.
async fn put_rows(pool: &AnyPool, tables: &BTreeMap<String, Columns>, n: i64) {
    let mut waiting: Vec<(&String, String)> = tables
        .iter()
        .map(|(table, columns)| {
            let value = |kind: &str| match kind {
                "text" => format!("'x{n}'"),
                "bigint" | "smallint" => n.to_string(),
                "double precision" => "0.5".to_owned(),
                other => panic!("{table} has a column of the type {other}, which one of the databases does not know"),
            };
            let names: Vec<&str> = columns.keys().map(String::as_str).collect();
            let values: Vec<String> = columns.values().map(|(kind, _)| value(kind)).collect();
            (table, format!("INSERT INTO {table} (\"{}\") VALUES ({})", names.join("\", \""), values.join(", ")))
        })
        .collect();
    // A row waits for the one it refers to.
    while !waiting.is_empty() {
        let (mut later, mut why) = (Vec::new(), Vec::new());
        for (table, sql) in waiting.clone() {
            if let Err(error) = sqlx::query(AssertSqlSafe(sql.clone())).execute(pool).await {
                why.push(format!("{table}: {error}"));
                later.push((table, sql));
            }
        }
        assert!(later.len() < waiting.len(), "rows cannot be written at step {n}: {}", why.join("\n"));
        waiting = later;
    }
}

async fn places(folder: &std::path::Path) -> Vec<Database> {
    let mut places = vec![Database::file(folder)];
    places.extend(Database::on_server().await.map(Result::unwrap));
    places
}

#[tokio::test]
async fn each_migration_meets_data_and_both_databases_come_out_the_same() {
    sqlx::any::install_default_drivers();
    let folder = tempfile::tempdir().unwrap();
    let migrations = sqlx::migrate!("./migrations");
    let mut schemas = Vec::new();
    for database in places(folder.path()).await {
        let pool = AnyPool::connect(&database.url).await.unwrap();
        let mut before = BTreeMap::new();
        for migration in migrations.iter() {
            migrations.run_to(migration.version, &pool).await.unwrap();
            // The program before still writes as it did, after the one that made this step.
            if migration.version > BEFORE_REPLICAS + 1 {
                put_rows(&pool, &before, migration.version * 10 + 1).await;
            }
            before = schema(&pool, &database.url).await;
            put_rows(&pool, &before, migration.version * 10).await;
        }
        pool.close().await;
        database.remove().await;
        schemas.push(before);
    }
    assert!(schemas[0].len() >= 25, "{}", schemas[0].len());
    for other in &schemas[1..] {
        assert_eq!(&schemas[0], other);
    }
}

#[tokio::test]
async fn a_program_runs_beside_newer_migrations_until_one_takes_away_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    for database in places(folder.path()).await {
        let db = Db::open(&database.url, 2).await.unwrap();
        db.migrate().await.unwrap();
        let run = async |sql: String| sqlx::query(AssertSqlSafe(sql)).execute(&mut *db.read().await.unwrap()).await.unwrap();
        let checksum = if database.url.starts_with("sqlite") { "X'00'" } else { "'\\x00'" };
        run(format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'of a newer program', TRUE, {checksum}, 0)"
        ))
        .await;
        db.migrate().await.unwrap();
        run("UPDATE setting SET value = '9998' WHERE name = 'oldest_program'".to_owned()).await;
        let refused = db.migrate().await.unwrap_err().to_string();
        assert!(refused.contains("这个版本太旧"), "{refused}");
        let newest = files().into_keys().max().unwrap();
        run(format!("UPDATE setting SET value = '{newest}' WHERE name = 'oldest_program'")).await;
        db.migrate().await.unwrap();
        db.close().await;
        database.remove().await;
    }
}
