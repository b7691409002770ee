//! For whoever measures: a demonstration with many tickets.

use super::{At, DEMO, Done, Failure, say};
use crate::{
    app::{self, fill},
    error::Error,
};
use clap::Subcommand;

/// Progress is said after so many tickets.
const EVERY: i64 = 50_000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(about = "造出许多工单，用来测快慢。只能用在演示上", help_template = super::TEMPLATE)]
    Fill {
        #[arg(long, value_name = "件数", help = "造多少件，比如 100000", help_heading = "要写的", value_parser = clap::value_parser!(i64).range(1..=100_000_000))]
        tickets: i64,
        #[arg(long, value_name = "件数", help = "其中多少件还没办完。不写就是十分之一，最多 1000 件", help_heading = "选项", value_parser = clap::value_parser!(i64).range(0..=100_000_000))]
        open: Option<i64>,
        #[arg(
            long,
            value_name = "数",
            default_value_t = 1,
            help = "种子。同一个数，造出来的事和经过一样",
            help_heading = "选项"
        )]
        seed: u64,
    },
}

pub(super) async fn run(at: &At, command: &Command) -> Done {
    let Command::Fill { tickets, open, seed } = command;
    if at.demo {
        // A demonstration that was never begun begins with this.
        std::fs::create_dir_all(DEMO).map_err(|error| Error::user(format!("{DEMO}: 打不开或写不了（{error}）")))?;
    }
    let config = at.config()?;
    let channels: Vec<&str> = config.channels.iter().map(|channel| channel.kind.as_str()).collect();
    let (&["simulator"], Some(channel)) = (&channels[..], config.channels.first()) else {
        return Err(Failure {
            code: 1,
            says: "这里接着真的渠道，不能造工单。只有演示可以（配置里只有 simulator 一个渠道）".into(),
        });
    };
    let opened = at.open().await?;
    let now = opened.clock.now();
    app::load_organisation(&opened.db, &opened.keys, &config, true, now).await?;
    let open = open.unwrap_or_else(|| (tickets / 10).min(1_000)).min(*tickets);
    let mut said = 0;
    let progress = |done: i64| {
        if done / EVERY > said || done == *tickets {
            said = done / EVERY;
            say(&format!("写好了 {done} 件，共 {tickets} 件"));
        }
    };
    let wanted = fill::Wanted { tickets: *tickets, open, seed: *seed };
    fill::fill(&opened.db, &opened.keys, &channel.id, now, wanted, progress).await?;
    Ok(())
}
