//! The auditor's commands: is the history whole, and what happened to one ticket.

use super::{Done, Failure, Opened, say, table};
use crate::{
    audit,
    clock::{local, time_in_words},
    error::Error,
    people::{Directory, Role, store as people},
    tickets::{
        Mode, Sealed, Ticket,
        chain::{self, Entry, Flaw},
        kept,
        life::Verb,
        refs::{self, Ref},
        show,
        store::{self, Look},
    },
};
use clap::Subcommand;

/// At most so many broken places are listed.
const LINES: usize = 200;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(about = "核对全部经过：有没有被改过、删过", help_template = super::TEMPLATE)]
    Verify,
    #[command(about = "看一件工单的全部经过。谁看过会记下来", help_template = super::TEMPLATE)]
    Show {
        #[arg(value_name = "编号", help = "完整的编号，比如 WY2611230001", help_heading = "要写的")]
        number: String,
    },
}

pub(super) async fn run(at: &Opened, command: &Command) -> Done {
    match command {
        Command::Verify => verify(at).await,
        Command::Show { number } => show(at, number).await,
    }
}

async fn verify(at: &Opened) -> Done {
    let mut conn = at.db.read().await?;
    let tickets = chain::walk(&mut conn, &at.keys).await?;
    let audit = audit::walk(&mut conn, &at.keys).await?;
    say(&format!("工单 {} 件，经过 {} 条，审计记录 {} 条。", tickets.tickets, tickets.events, audit.records));
    if tickets.unchained > 0 {
        say(&format!("其中 {} 条经过是有校验以前写的，只数了数，没法核对。", tickets.unchained));
    }
    let broken = tickets.broken.iter().map(|(number, flaw)| format!("{number}：{}", in_words(*flaw)));
    let gone = tickets.gone.iter().map(|number| format!("{number}：编号发出去过，工单没有了"));
    let audit = audit.broken.map(|seq| format!("审计记录：第 {seq} 条被改过或删了"));
    let all: Vec<String> = broken.chain(gone).chain(audit).collect();
    if all.is_empty() {
        say("都对得上。");
        return Ok(());
    }
    let mut lines: Vec<String> = all.iter().take(LINES).cloned().collect();
    if all.len() > LINES {
        lines.push(format!("……还有 {} 处没有列出来", all.len() - LINES));
    }
    lines.push(format!("共 {} 处对不上。", all.len()));
    Err(Failure { code: 1, says: lines.join("\n") })
}

fn in_words(flaw: Flaw) -> String {
    match flaw {
        Flaw::Missing(seq) => format!("第 {seq} 条经过没有了"),
        Flaw::Changed(seq) => format!("第 {seq} 条经过被改过"),
        Flaw::Count(counted, there) => format!("该有 {counted} 条经过，实际有 {there} 条"),
        Flaw::State => "工单现在的状态和最后一条经过对不上".to_owned(),
        Flaw::Number => "编号和日期、序号对不上".to_owned(),
        Flaw::NoTicket => "经过还在，工单没有了".to_owned(),
    }
}

async fn show(at: &Opened, number: &str) -> Done {
    let now = at.clock.now();
    let mut tx = at.db.write().await?;
    let found = match refs::read(number).into_iter().next() {
        Some(Ref::Full(number, _)) => store::find(&mut tx, &Look { number: Some(number), ..Look::default() }).await?.pop(),
        Some(Ref::Short(..) | Ref::Dated(..) | Ref::Sealed(_)) | None => None,
    };
    let Some(ticket) = found else {
        return Err(Error::user(format!("没有编号是 {number} 的工单。请写完整的编号，比如 WY2611230001")).into());
    };
    let directory = people::load(tx.conn(), now).await?;
    let entries = chain::entries(tx.conn(), ticket.id).await?;
    audit::record(&mut tx, &at.keys, "audit.show", None, &ticket.number, "", now).await?;
    tx.commit().await?;
    say(&head(&ticket, &directory));
    let header = ["序号", "时间", "身份", "谁", "做了什么", "状态", "说明"].map(str::to_owned).to_vec();
    let lines = entries.iter().map(|entry| line(entry, &ticket, &directory));
    say(&table(&std::iter::once(header).chain(lines).collect::<Vec<_>>()));
    Ok(())
}

fn head(ticket: &Ticket, directory: &Directory) -> String {
    let sealed = match ticket.sealed {
        Sealed::Open => "",
        Sealed::Area | Sealed::Above => "　密件，说明不列出来",
    };
    let scope = show::group_scope(ticket, directory);
    format!("{}　{}　{scope}　{}{sealed}", ticket.number, ticket.state, ticket.mode.chinese())
}

fn line(entry: &Entry, ticket: &Ticket, directory: &Directory) -> Vec<String> {
    let who =
        entry.actor.map_or_else(String::new, |id| directory.staff(id).map_or_else(|| id.to_string(), |staff| staff.name.clone()));
    let what = Verb::from_code(&entry.command).map_or_else(|| entry.command.clone(), |verb| verb.chinese().to_owned());
    let states = match (entry.from, entry.to) {
        (Some(from), Some(to)) if from != to => format!("{from} → {to}"),
        (_, Some(to)) => to.to_string(),
        _ => String::new(),
    };
    let moment = format!("{} {}", local(entry.at).format("%Y-%m-%d"), time_in_words(entry.at));
    vec![entry.seq.to_string(), moment, role(&entry.role), who, what, states, words(entry, ticket)]
}

/// The words of an event. What reporters say of themselves stays hidden unless they report by name.
fn words(entry: &Entry, ticket: &Ticket) -> String {
    let Some(reason) = entry.reason.as_deref().filter(|_| ticket.sealed == Sealed::Open) else { return String::new() };
    let mode = if entry.actor.is_none() { ticket.mode } else { Mode::RealName };
    crate::text::one_line(&kept::for_unit(reason, mode, &[]))
}

fn role(code: &str) -> String {
    match code {
        "reporter" => "反映人".to_owned(),
        "clock" => "到时候自动".to_owned(),
        "itself" => "自动".to_owned(),
        "staff" => "工作人员".to_owned(),
        code => Role::parse(code).map_or_else(|| code.to_owned(), |role| role.chinese().to_owned()),
    }
}
