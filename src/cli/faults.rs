//! Messages whose turn failed: why and when, never their words unless somebody asks for them, and that is recorded.

use super::{Done, Failure, Opened, say, table};
use crate::{
    app, audit,
    bot::faults::{self, Fault, Replayed},
    clock::{in_words, time_in_words},
    error::Error,
};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(about = "列出没弄好的消息，最多 500 条。不显示内容", help_template = super::TEMPLATE)]
    List,
    #[command(about = "看一条的毛病。加 --raw 才显示内容，谁看过会记下来", help_template = super::TEMPLATE)]
    Show {
        #[arg(value_name = "编号", help = "list 里的编号", help_heading = "要写的")]
        id: i64,
        #[arg(long, help = "连消息的内容一起显示，并记入审计", help_heading = "选项")]
        raw: bool,
    },
    #[command(about = "再办一次，答复会发给本人。服务开着关着都行", help_template = super::TEMPLATE)]
    Replay {
        #[arg(value_name = "编号", help = "list 里的编号", help_heading = "要写的")]
        id: i64,
        #[arg(long, help = "他后来又说了别的，也当成刚发来的办", help_heading = "选项")]
        as_new: bool,
    },
}

pub(super) async fn run(at: &Opened, command: &Command) -> Done {
    match command {
        Command::List => list(at).await,
        Command::Show { id, raw: false } => show(at, *id).await,
        Command::Show { id, raw: true } => show_raw(at, *id).await,
        Command::Replay { id, as_new } => replay(at, *id, *as_new).await,
    }
}

async fn list(at: &Opened) -> Done {
    let found = faults::list(&mut *at.db.read().await?).await?;
    if found.is_empty() {
        say("没有没弄好的消息。");
        return Ok(());
    }
    let mut rows = vec![["编号", "时间", "渠道", "状态", "再办过", "原因"].map(str::to_owned).to_vec()];
    rows.extend(found.iter().map(|fault| line(fault, at.clock.now())));
    say(&table(&rows));
    Ok(())
}

fn line(fault: &Fault, now: i64) -> Vec<String> {
    vec![
        fault.id.to_string(),
        moment(fault.at, now),
        fault.channel.clone(),
        state(fault).into(),
        format!("{} 次", fault.tries),
        fault.why.clone(),
    ]
}

fn moment(at: i64, now: i64) -> String {
    format!("{} {}", in_words(at, now), time_in_words(at))
}

fn state(fault: &Fault) -> &'static str {
    match (fault.done_at, fault.moved_on) {
        (Some(_), _) => "办好了",
        (None, false) => "没办",
        (None, true) => "没办，他又说了别的",
    }
}

fn no_such(id: i64) -> Failure {
    Error::user(format!("没有编号是 {id} 的（看 minhu faults list）")).into()
}

async fn show(at: &Opened, id: i64) -> Done {
    let fault = faults::one(&mut *at.db.read().await?, id).await?.ok_or_else(|| no_such(id))?;
    let now = at.clock.now();
    let mut rows = vec![
        ("时间", moment(fault.at, now)),
        ("渠道", fault.channel.clone()),
        ("状态", state(&fault).to_owned()),
        ("再办过", format!("{} 次", fault.tries)),
        ("原因", fault.why.clone()),
    ];
    if let Some(done) = fault.done_at {
        rows.insert(3, ("办好的时间", moment(done, now)));
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    say(&table(&rows));
    Ok(())
}

/// Opens what was said. That it was opened is recorded first; without the record nothing is shown.
async fn show_raw(at: &Opened, id: i64) -> Done {
    show(at, id).await?;
    let mut tx = at.db.write().await?;
    let Some(update) = faults::said(tx.conn(), &at.keys, id).await? else {
        tx.rollback().await;
        say("已经办好了，内容没有再留。");
        return Ok(());
    };
    audit::record(&mut tx, &at.keys, "fault.show", None, &id.to_string(), "", at.clock.now()).await?;
    tx.commit().await?;
    say("内容（谁看过已记入审计）：");
    say(&serde_json::to_string_pretty(&update).map_err(Error::from)?);
    Ok(())
}

async fn replay(at: &Opened, id: i64, as_new: bool) -> Done {
    let bot = app::bot_alone(&at.config, &at.db, &at.clock).await?;
    match Box::pin(bot.replay(id, as_new)).await? {
        Replayed::Done => {
            say(&format!("{id} 办好了，答复会发给他。"));
            Ok(())
        }
        Replayed::Failed(why) => Err(Error::user(format!("{id} 还是没办成，先留着。原因：{why}")).into()),
        Replayed::MovedOn => {
            Err(Error::user(format!("{id} 没有再办：他后来又说了别的，现在办可能不对。还是要办，请加 --as-new")).into())
        }
        Replayed::NotOpen => Err(Error::user(format!("没有编号是 {id}、还没办的消息（看 minhu faults list）")).into()),
    }
}
