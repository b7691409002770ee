//! The command line: `docs/contract.md` section 1.
//!
//! Answers go to standard output; problems and the log go to standard error.

mod audit;
mod channels;
mod check;
mod db;
mod demo;
mod faults;
mod org;
mod outbox;
mod play;
mod serve;

use crate::{
    app,
    clock::{self, Clock},
    config::{Config, read::Problem},
    db::Db,
    error::Error,
    log,
    seal::Keys,
};
use clap::{ArgAction, Parser, Subcommand};
use secrecy::ExposeSecret;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Where the configuration is when nothing else is said.
const CONFIG: &str = "minhu.toml";
/// Where the demonstration keeps its data.
const DEMO: &str = "data/demo";

#[derive(Debug, Parser)]
#[command(
    name = "minhu",
    version,
    about = "民呼：在微信、钉钉里收群众反映的问题，一件件办到底。",
    after_help = "什么命令都不写，就是演示。返回值：0 办好了，1 写的东西有错，2 命令写错了，3 数据库、端口这些用不了。",
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    subcommand_help_heading = "命令",
    subcommand_value_name = "命令",
    help_template = TEMPLATE,
)]
struct Args {
    #[arg(short, long, global = true, action = ArgAction::Help, help = "显示这份说明", help_heading = "选项")]
    help: Option<bool>,
    #[arg(short = 'V', long, action = ArgAction::Version, help = "显示版本", help_heading = "选项")]
    version: Option<bool>,
    #[command(subcommand)]
    command: Option<Command>,
}

const TEMPLATE: &str = "{about}\n\n用法：{usage}\n\n{all-args}{after-help}";

#[derive(Debug, Subcommand)]
enum Command {
    #[command(about = "按配置运行", help_template = TEMPLATE)]
    Serve {
        #[arg(long, value_name = "文件", default_value = CONFIG, help = CONFIG_HELP, help_heading = "选项")]
        config: PathBuf,
    },
    #[command(about = "检查配置、单位人员和对话，把毛病一次说完", help_template = TEMPLATE)]
    Check {
        #[arg(long, value_name = "文件", help = "配置文件。不写就用 minhu.toml；它也没有，就检查内置的", help_heading = "选项")]
        config: Option<PathBuf>,
        #[arg(long, help = "还不能用", help_heading = "选项")]
        online: bool,
    },
    #[command(about = "在这里把一个对话走一遍，什么也不存", help_template = TEMPLATE, after_help = play::HELP)]
    Play(play::Play),
    #[command(about = "单位和人员：模板、导入、导出、绑定码", help_template = TEMPLATE, subcommand_help_heading = "命令", subcommand_value_name = "命令")]
    Org {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: org::Command,
    },
    #[command(about = "没发出去的消息", help_template = TEMPLATE, subcommand_help_heading = "命令", subcommand_value_name = "命令")]
    Outbox {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: outbox::Command,
    },
    #[command(about = "没弄好的消息：看是什么毛病，修好以后再办一次", help_template = TEMPLATE, subcommand_help_heading = "命令", subcommand_value_name = "命令")]
    Faults {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: faults::Command,
    },
    #[command(about = "给审计员：核对经过，看一件的全部经过", help_template = TEMPLATE, subcommand_help_heading = "命令", subcommand_value_name = "命令")]
    Audit {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: audit::Command,
    },
    #[command(about = "给演示造工单，用来测快慢", help_template = TEMPLATE, subcommand_help_heading = "命令", subcommand_value_name = "命令")]
    Demo {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: demo::Command,
    },
    #[command(about = "每个渠道能做什么，回话在那里是什么样子", help_template = TEMPLATE)]
    Channels {
        #[arg(long, value_name = "文件", help = "只看这份配置里的渠道。不写就看所有能用的", help_heading = "选项")]
        config: Option<PathBuf>,
    },
    #[command(about = "数据库：搬家、备份、恢复", help_template = TEMPLATE, subcommand_help_heading = "命令", subcommand_value_name = "命令")]
    Db {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: db::Command,
    },
    #[command(about = "把数据库的表更新到这个版本（serve 自己也会做）", help_template = TEMPLATE)]
    Migrate {
        #[command(flatten)]
        at: At,
    },
}

const CONFIG_HELP: &str = "配置文件";

/// Which installation a command works on.
#[derive(Debug, clap::Args)]
struct At {
    #[arg(long, value_name = "文件", global = true, help = "配置文件，不写就用 minhu.toml", help_heading = "选项")]
    config: Option<PathBuf>,
    #[arg(long, global = true, help = "用演示的数据（data/demo）", help_heading = "选项")]
    demo: bool,
}

/// Why a command did not do what it was asked: the exit code and what is said.
struct Failure {
    code: u8,
    says: String,
}

impl Failure {
    fn usage(says: impl Into<String>) -> Self {
        Failure { code: 2, says: says.into() }
    }

    fn problems(problems: &[Problem]) -> Self {
        Failure { code: 1, says: problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::User(says) => Failure { code: 1, says },
            Error::Database(error) => Failure { code: 3, says: format!("数据库现在用不了：{error}") },
            Error::Fault(says) => Failure { code: 3, says },
        }
    }
}

type Done = Result<(), Failure>;

/// Runs the program. Exit codes: 0 done, 1 the input is wrong, 2 usage, 3 a dependency is not available.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let said = |name: &str| std::env::var(name).ok();
    let Some(format) = log::Format::parse(said("MINHU_LOG_FORMAT").as_deref()) else {
        complain("MINHU_LOG_FORMAT 只能写 text 或 json");
        return ExitCode::from(2);
    };
    let _last_lines = log::start(said("MINHU_LOG").as_deref(), format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("no runtime: {error}"));
            return ExitCode::from(3);
        }
    };
    match runtime.block_on(Box::pin(run(args.command))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.says);
            ExitCode::from(failure.code)
        }
    }
}

async fn run(command: Option<Command>) -> Done {
    match command {
        None => serve::demo().await,
        Some(Command::Serve { config }) => serve::serve(&config).await,
        Some(Command::Check { online: true, .. }) => Err(Failure::usage("check --online 暂时还不能用（not available yet）")),
        Some(Command::Check { config, online: false }) => check::check(config.as_deref()),
        Some(Command::Play(play)) => play::play(&play),
        // These two need no installation.
        Some(Command::Org { command: org::Command::Template { file }, .. }) => org::template(&file),
        Some(Command::Channels { config }) => channels::channels(config.as_deref()),
        Some(Command::Org { at, command }) => org::run(&at.open().await?, command).await,
        Some(Command::Outbox { at, command }) => outbox::run(&at.open().await?, &command).await,
        Some(Command::Faults { at, command }) => faults::run(&at.open().await?, &command).await,
        Some(Command::Audit { at, command }) => audit::run(&at.open().await?, &command).await,
        Some(Command::Db { at, command }) => db::run(&at, command).await,
        Some(Command::Demo { at, command }) => demo::run(&at, &command).await,
        Some(Command::Migrate { at }) => {
            at.open().await?;
            say("数据库的表是最新的了。");
            Ok(())
        }
    }
}

/// The database of an installation, with what belongs to it.
struct Opened {
    db: Db,
    keys: Keys,
    clock: Clock,
    config: Config,
}

impl At {
    fn config(&self) -> Result<Config, Failure> {
        let folder = Path::new(DEMO);
        match (&self.config, self.demo) {
            (Some(_), true) => Err(Failure::usage("--config 和 --demo 只能写一个")),
            (Some(path), false) => read_config(path),
            (None, true) if folder.is_dir() => Ok(Config::demo_with(folder, std::env::vars())?),
            (None, true) => Err(Error::user(format!("{DEMO}: 还没有演示的数据。先运行一次 minhu")).into()),
            (None, false) => read_config(Path::new(CONFIG)).map_err(|failure| {
                let hint = !Path::new(CONFIG).exists() && folder.is_dir();
                Failure { says: failure.says + if hint { "。想用演示的数据，请加 --demo" } else { "" }, ..failure }
            }),
        }
    }

    /// Opens the database and brings its tables up to date.
    async fn open(&self) -> Result<Opened, Failure> {
        let config = self.config()?;
        let keys = config.security.keys()?;
        let clock = start_clock()?;
        let db = Db::open(config.database.url.expose_secret(), 2).await?;
        db.migrate().await?;
        app::clock_offset(&db, &clock, self.demo).await?;
        Ok(Opened { db, keys, clock, config })
    }
}

fn read_config(path: &Path) -> Result<Config, Failure> {
    Config::read(path, std::env::vars()).map_err(|problems| Failure::problems(&problems))
}

/// The clock of the environment: the true one, or one that begins where a test says.
fn start_clock() -> Result<Clock, Error> {
    match std::env::var("MINHUTEST_CLOCK") {
        Err(_) => Ok(Clock::system()),
        Ok(iso) => {
            let at = clock::parse(&iso).ok_or_else(|| Error::user("MINHUTEST_CLOCK 要写成 2026-11-23T10:00:00+08:00 这样"))?;
            say(&format!("注意：时钟从 {iso} 走起（MINHUTEST_CLOCK）。"));
            Ok(Clock::starting_at(at))
        }
    }
}

/// Lines of cells as a table; a Chinese character is as wide as two letters.
fn table(rows: &[Vec<String>]) -> String {
    let wide = |text: &str| text.chars().map(|c| if c >= '\u{1100}' { 2 } else { 1 }).sum::<usize>();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| wide(cell)).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - wide(cell))));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Prints a line for whoever runs the program. Nobody may be reading any more (`| head`), which is no reason to stop.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints what is wrong.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn chinese_columns_stand_under_each_other() {
        let rows = [["编号", "a"], ["1", "bb"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "编号  a\n1     bb");
    }
}
