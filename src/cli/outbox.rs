//! Messages that did not go out: what and why, never their words or whom they name.

use super::{Done, Opened, say, table};
use crate::{
    db::News,
    error::Error,
    outbox::{self, Target},
    people::Role,
};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(about = "列出没发出去的，最多 500 条", help_template = super::TEMPLATE)]
    List,
    #[command(about = "再发一次", help_template = super::TEMPLATE)]
    Retry {
        #[arg(value_name = "编号", help = "list 里的编号", help_heading = "要写的")]
        id: i64,
    },
}

pub(super) async fn run(at: &Opened, command: &Command) -> Done {
    match command {
        Command::List => list(at).await,
        Command::Retry { id } => retry(at, *id).await,
    }
}

async fn list(at: &Opened) -> Done {
    let found = outbox::list(&mut *at.db.read().await?).await?;
    if found.is_empty() {
        say("没有等着发的消息。");
        return Ok(());
    }
    let mut rows = vec![["编号", "状态", "种类", "发给", "试过", "原因", "请求"].map(str::to_owned).to_vec()];
    for (id, state, class, target, tries, why, request) in found {
        rows.push(vec![
            id.to_string(),
            in_words(&state).into(),
            in_words(&class).into(),
            whom(&target),
            format!("{tries} 次"),
            why,
            request,
        ]);
    }
    say(&table(&rows));
    Ok(())
}

fn in_words(word: &str) -> &str {
    match word {
        "pending" => "等着发",
        "held" => "正随回话送出",
        "sending" => "正在发",
        "kept" => "留着，等他来",
        "undeliverable" => "发不出去",
        "reply" => "回话",
        "now" => "通知",
        "batch" => "汇总",
        other => other,
    }
}

/// The kind of recipient. People have numbers here, not names.
fn whom(target: &str) -> String {
    match target.parse() {
        Ok(Target::Chat(_)) => "来问的人".into(),
        Ok(Target::Person(id)) => format!("工作人员 {id}"),
        Ok(Target::Reporter(_)) => "反映人".into(),
        Ok(Target::Group(id)) => format!("群 {id}"),
        Ok(Target::Role { role, area, unit }) => {
            let role = Role::parse(&role).map_or(role, |role| role.chinese().to_owned());
            [role, area, unit.unwrap_or_default()].join(" ").trim_end().to_owned()
        }
        Err(()) => "？".into(),
    }
}

async fn retry(at: &Opened, id: i64) -> Done {
    let mut tx = at.db.write().await?;
    if !outbox::retry(&mut tx, id, at.clock.now()).await? {
        return Err(Error::user(format!("没有编号是 {id} 的消息，或者它用不着再发（看 minhu outbox list）")).into());
    }
    tx.commit().await?;
    at.db.tell(News::Outbox).await;
    say(&format!("{id} 会再发一次。"));
    Ok(())
}
