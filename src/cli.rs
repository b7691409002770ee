//! The command line: `docs/contract.md` section 1.

use crate::{
    app::Running,
    clock::{self, Clock},
    config::Config,
    error::Error,
};
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// 民呼: a bot for public complaints, in the chats where people already are.
#[derive(Debug, Parser)]
#[command(name = "minhu", version, about, long_about = None)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs everything by a configuration file. Without a command: the demonstration.
    Serve {
        /// The configuration.
        #[arg(long, default_value = "minhu.toml")]
        config: PathBuf,
    },
    /// Applies the migrations to the configured database (serve does it too).
    Migrate {
        /// The configuration.
        #[arg(long, default_value = "minhu.toml")]
        config: PathBuf,
    },
}

/// Where the demonstration keeps its data.
const DEMO: &str = "data/demo";

/// Runs the program. Exit codes: 0 done, 1 the input is wrong, 2 usage, 3 a dependency is not available.
pub fn main() -> ExitCode {
    let args = Args::parse();
    log();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("no runtime: {error}"));
            return ExitCode::from(3);
        }
    };
    let result = runtime.block_on(async {
        match args.command {
            None => demo().await,
            Some(Command::Serve { config }) => serve(config).await,
            Some(Command::Migrate { config }) => migrate(config).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(match error {
                Error::User(_) => 1,
                Error::Database(_) | Error::Fault(_) => 3,
            })
        }
    }
}

fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MINHU_LOG").unwrap_or_else(|_| "info,sqlx=warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
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

fn read_config(path: &std::path::Path) -> Result<Config, Error> {
    Config::read(path, std::env::vars())
        .map_err(|problems| Error::user(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
}

async fn demo() -> Result<(), Error> {
    let config = Config::demo(std::path::Path::new(DEMO))?;
    let running = Running::start(config, start_clock()?).await?;
    let address = running.address();
    say(&format!(
        "这是演示：武邑县，人名都是编的，数据在 {DEMO}/。\n打开 http://{address}/ 试试：\n  1. 扮老周，发一张照片，再说“前观津”，再说一句“夜里有人打井抽水卖”，回“提交”\n  2. 扮李派单，说“待派”\n  3. 点“自动演示”，看从反映到评价的全程\n按 Ctrl+C 停下，再启动时接着来。"
    ));
    until_stopped().await;
    running.stop().await;
    Ok(())
}

async fn serve(path: PathBuf) -> Result<(), Error> {
    let config = read_config(&path)?;
    let running = Running::start(config, start_clock()?).await?;
    say(&format!("民呼在 {} 上运行。", running.address()));
    until_stopped().await;
    running.stop().await;
    Ok(())
}

async fn migrate(path: PathBuf) -> Result<(), Error> {
    use secrecy::ExposeSecret;
    let config = read_config(&path)?;
    let db = crate::db::Db::open(config.database.url.expose_secret(), 1).await?;
    db.migrate().await?;
    say("数据库的表是最新的了。");
    Ok(())
}

/// Until SIGTERM or SIGINT.
async fn until_stopped() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => _ = interrupted.await,
    }
}

/// Prints a line for whoever runs the program.
#[expect(clippy::print_stdout, reason = "the command line answers on standard output")]
pub fn say(text: &str) {
    println!("{text}");
}

/// Prints what is wrong.
#[expect(clippy::print_stderr, reason = "the command line complains on standard error")]
fn complain(text: &str) {
    eprintln!("{text}");
}
