//! Moving, backing up and restoring the database.

use super::{At, Done, Failure, complain, say, table};
use crate::{
    clock,
    db::{self, Db, Kind},
    error::Error,
};
use clap::Subcommand;
use secrecy::ExposeSecret;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(about = "把所有数据搬到另一个数据库，逐表核对", help_template = super::TEMPLATE, after_help = COPY_HELP)]
    Copy {
        #[arg(
            long,
            value_name = "地址",
            help = "从哪里：sqlite://… 或 postgres://…，也可以写 file:/文件，地址在文件里",
            help_heading = "选项"
        )]
        from: String,
        #[arg(long, value_name = "地址", help = "搬到哪里，那里要是空的", help_heading = "选项")]
        to: String,
    },
    #[command(about = "把数据库备份成一个文件，不用停服务", help_template = super::TEMPLATE, after_help = BACKUP_HELP)]
    Backup {
        #[arg(value_name = "文件", help = "新文件的名字", help_heading = "要写的")]
        file: PathBuf,
    },
    #[command(about = "从备份恢复数据库，要先停服务", help_template = super::TEMPLATE)]
    Restore {
        #[arg(value_name = "文件", help = "backup 做的文件", help_heading = "要写的")]
        file: PathBuf,
        #[arg(long, help = "原来的 SQLite 数据库还在，就改个名字留着", help_heading = "选项")]
        aside: bool,
    },
}

const COPY_HELP: &str = "搬之前停下服务。照片这些文件不在数据库里，不用动；钥匙（security.key）要用原来的。";
const BACKUP_HELP: &str =
    "照片这些文件和钥匙不在里面，要另外备份。PostgreSQL 要装 pg_dump。连照片一起备份，用 deploy/backup.sh。";

/// Rows between two lines of progress.
const EVERY: u64 = 100_000;

pub(super) async fn run(at: &At, command: Command) -> Done {
    match command {
        Command::Copy { from, to } => copy(&address("--from", &from)?, &address("--to", &to)?).await,
        Command::Backup { file } => {
            let config = at.config()?;
            let size = db::backup(config.database.url.expose_secret(), &file).await?;
            say(&format!(
                "备份好了，也检查过：{}（{size} 字节）。\n注意：钥匙（security.key）不在里面，没有它备份打不开；照片这些文件也不在里面（{}）。",
                file.display(),
                config.media
            ));
            Ok(())
        }
        Command::Restore { file, aside } => restore(at, &file, aside).await,
    }
}

/// An address as it was written, or as it stands in a file, which keeps a password out of the list of processes.
fn address(option: &str, text: &str) -> Result<String, Failure> {
    let url = match text.strip_prefix("file:") {
        None => text.to_owned(),
        Some(file) => {
            let read = fs::read_to_string(file);
            read.map_err(|error| Error::user(format!("{option}: 读不到文件 {file}（{error}）")))?.trim().to_owned()
        }
    };
    match db::kind_of(&url) {
        Some(_) => Ok(url),
        None => Err(Error::user(format!("{option}: 地址要写成 sqlite://… 或 postgres://…")).into()),
    }
}

async fn copy(from: &str, to: &str) -> Done {
    if from == to {
        return Err(Error::user("--from 和 --to 是同一个数据库").into());
    }
    if db::kind_of(from) == Some(Kind::Sqlite) && !db::file_of(from).is_file() {
        return Err(Error::user(format!("{}: 没有这个数据库", db::file_of(from).display())).into());
    }
    let now = super::start_clock()?.now();
    let _nobody_else = (db::Alone::at(from)?, db::Alone::at(to)?);
    let (source, target) = (Db::open(from, 1).await?, Db::open(to, 1).await?);
    let moved = db::copy(&source, &target, now, |table, rows| {
        if rows % EVERY < 512 && rows >= EVERY {
            complain(&format!("{table}：{rows} 行……"));
        }
    })
    .await;
    source.close().await;
    target.close().await;
    let moved = moved?;
    let mut lines = vec![["表", "读到", "写下", "核对码", ""].map(str::to_owned).to_vec()];
    for one in &moved {
        let same = one.read == one.written;
        lines.push(vec![
            one.table.clone(),
            one.read.rows.to_string(),
            one.written.rows.to_string(),
            if same { one.read.to_string() } else { format!("{} ≠ {}", one.read, one.written) },
            if same { String::new() } else { "不一样".into() },
        ]);
    }
    say(&table(&lines));
    if moved.iter().any(|one| one.read != one.written) {
        return Err(
            Error::user("有的表搬过去以后不一样，所以一行也没有留下，原来的数据没有动。请把上面这张表发给开发的人").into()
        );
    }
    let rows: u64 = moved.iter().map(|one| one.read.rows).sum();
    say(&format!(
        "搬好了：{} 张表，{rows} 行，两边一样。原来的数据没有动。\n接下来：把 database.url 改成新地址，再启动民呼。\n\
         封存的内容（姓名、电话、原话）照样封着，security.key 要用原来的。照片这些文件还在 media.dir，没有搬。",
        moved.len()
    ));
    Ok(())
}

async fn restore(at: &At, file: &Path, aside: bool) -> Done {
    let config = at.config()?;
    let url = config.database.url.expose_secret();
    let _nobody_else = db::Alone::at(url)?;
    if aside && db::kind_of(url) == Some(Kind::Sqlite) && file.is_file() {
        let stamp = clock::local(super::start_clock()?.now()).format("%Y%m%dT%H%M%S");
        if let Some(old) = db::aside(url, &format!(".before-{stamp}"))? {
            say(&format!("原来的数据库改名留着：{}", old.display()));
        }
    }
    db::restore(url, file).await?;
    let db = Db::open(url, 1).await?;
    db.migrate().await?;
    db.close().await;
    say("恢复好了。接下来：minhu audit verify 核对经过，再启动民呼。");
    Ok(())
}
