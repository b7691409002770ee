//! Working lists, 更多, 全签, 我的.

use super::{
    Mode, Sealed, State, Ticket, desk,
    life::Verb,
    looks,
    proposed::{self, Shown},
    refs, show, store, wording,
    wording::lists as words,
};
use crate::{
    bot::{Submitted, Turn, dialog::Answers, shortcut},
    clock::local,
    error::{Error, Result},
    message::{Millis, Reply},
    outbox::Target,
    people::{Actor, Role},
    text,
};
use serde::{Deserialize, Serialize};

/// Lines of a list that are shown at a time.
const LINES: usize = 20;
/// The note of a conversation that keeps which list was shown last, and what of it.
const LIST: &str = "list";
/// A look-up gives no more tickets than this.
const MOST: usize = 200;

/// The list that was shown last.
#[derive(Serialize, Deserialize)]
struct Listed {
    alias: String,
    filter: String,
    shown: Vec<i64>,
}

/// A working list by its alias; only what has to do with `filter`, when there is one.
///
/// # Errors
/// Those of the database.
pub async fn show_list(turn: &mut Turn<'_, Actor>, alias: &str, filter: &str) -> Result<Submitted> {
    match alias {
        "sign_all" => return sign_all(turn).await,
        "to_call" => return super::calls::show(turn).await,
        "my_group" => return super::group::my_group(turn).await,
        "looks" => return looks::list(turn).await,
        alias if name(alias).is_some() => {}
        other => return Err(Error::fault(format!("no list is called {other}"))),
    }
    proposed::forget(turn);
    page(turn, Listed { alias: alias.to_owned(), filter: filter.trim().to_owned(), shown: Vec::new() }).await?;
    Ok(Submitted::Done(Vec::new()))
}

/// The Chinese name of a list.
fn name(alias: &str) -> Option<&'static str> {
    Some(match alias {
        "to_accept" => "待受理",
        "to_assign" => "待派",
        "to_sign" => "待签",
        "todo" => "待办",
        "to_review" => "待审",
        _ => return None,
    })
}

/// 更多 below a list. Says whether there was a list.
///
/// # Errors
/// Those of the database.
pub async fn more(turn: &mut Turn<'_, Actor>) -> Result<bool> {
    let Some(listed) = turn.memory.notes.get(LIST).and_then(|note| serde_json::from_str::<Listed>(note).ok()) else {
        return Ok(false);
    };
    page(turn, listed).await?;
    Ok(true)
}

/// What waits for this person under a list's alias, urgent ones first.
async fn waiting(turn: &mut Turn<'_, Actor>, alias: &str) -> Result<Vec<Ticket>> {
    let (verb, states): (_, &[State]) = match alias {
        "to_accept" => (Verb::Accept, &[State::Submitted]),
        "to_assign" => (Verb::Assign, &[State::Accepted, State::SentBack, State::Submitted]),
        "to_sign" => (Verb::Sign, &[State::Dispatched]),
        "todo" => (Verb::Done, &[State::Working]),
        _ => (Verb::SignOff, &[State::InReview]),
    };
    let mut tickets = if verb == Verb::SignOff { review(turn).await? } else { refs::candidates(turn, verb).await? };
    tickets.retain(|ticket| states.contains(&ticket.state));
    // What is being worked on is looked at by its due time, everything else in the order in which it came.
    let due = |ticket: &Ticket| if alias == "todo" { show::running_due(ticket).unwrap_or(Millis::MAX) } else { 0 };
    tickets.sort_by_key(|ticket| (!ticket.urgent(), due(ticket)));
    Ok(tickets)
}

/// 待审 is the leader's and the dispatcher's: what this person can sign off or pass.
async fn review(turn: &mut Turn<'_, Actor>) -> Result<Vec<Ticket>> {
    let mut tickets = refs::candidates(turn, Verb::SignOff).await?;
    for ticket in refs::candidates(turn, Verb::Pass).await? {
        let passable = ticket.signed_off || turn.actor.directory().holders(Role::UnitLeader, refs::scope_of(&ticket)).is_empty();
        if passable && !tickets.iter().any(|known| known.id == ticket.id) {
            tickets.push(ticket);
        }
    }
    Ok(tickets)
}

/// The next page of a list, which goes to the private chat because it shows places and titles.
async fn page(turn: &mut Turn<'_, Actor>, mut listed: Listed) -> Result<()> {
    let name = name(&listed.alias).ok_or_else(|| Error::fault("a list was shown that is none"))?;
    let mut tickets = waiting(turn, &listed.alias).await?;
    let many = tickets.len() >= MOST;
    tickets.retain(|ticket| listed.filter.is_empty() || concerns(turn, ticket, &listed.filter));
    let count = tickets.len();
    let further = !listed.shown.is_empty();
    tickets.retain(|ticket| !listed.shown.contains(&ticket.id));
    let left = tickets.len().saturating_sub(LINES);
    // Numbers are told apart among all that were listed, and a page shows only its own.
    tickets.truncate(LINES);
    let mut lines = Vec::new();
    if further && tickets.is_empty() {
        lines.push(words::list_all_shown(name));
    } else if !further {
        lines.push(words::list_heading(name, &text::shorten(&listed.filter, 20), count, many));
    }
    let (assign, intake) = (listed.alias == "to_assign", listed.alias == "to_accept");
    let mut shown = Vec::new();
    let mut open = None;
    for ticket in &tickets {
        let label = label(turn, ticket, &tickets);
        let marks = marks(turn, ticket, listed.alias == "todo");
        let proposal = if assign || intake { proposed::unit(turn, ticket) } else { None };
        match &proposal {
            None if assign => {
                open.get_or_insert(ticket.seq);
                lines.push(words::list_line_open(&label, &marks));
            }
            _ => {
                let proposal = proposal.as_ref().map(|(_, unit, reason)| (unit.as_str(), reason.as_str()));
                lines.push(words::list_line(&label, &marks, proposal));
            }
        }
        if listed.alias == "to_review"
            && let Some(result) = show::result_line(ticket)
        {
            lines.push(format!("　{}", text::shorten(&text::one_line(&result), 60)));
        }
        if assign {
            shown.push(Shown::of(ticket, proposal.map(|(unit, ..)| unit)));
        }
    }
    let any = shown.iter().any(|shown| shown.unit.is_some());
    let hint = match listed.alias.as_str() {
        "to_assign" => words::list_hint_assign(any, open),
        "to_sign" if tickets.len() > 1 => words::list_hint_sign().to_owned(),
        "to_review" => {
            let sign_off = tickets.iter().any(|ticket| refs::permitted(&turn.actor, ticket, Verb::SignOff, false).is_some());
            let pass = tickets.iter().any(|ticket| refs::permitted(&turn.actor, ticket, Verb::Pass, false).is_some());
            // Whoever may do both by standing in is the unit's leader first.
            words::list_hint_review(sign_off, pass && !sign_off).to_owned()
        }
        _ => String::new(),
    };
    if left > 0 {
        lines.push(words::list_more(left));
    }
    if !hint.is_empty() && !tickets.is_empty() {
        lines.push(hint);
    }
    let mut reply = Reply::text(lines.join("\n"));
    if any {
        reply.choices.push(shortcut("照派"));
    }
    if left > 0 {
        reply.choices.push(shortcut("更多"));
    }
    proposed::remember(turn, shown)?;
    listed.shown.extend(tickets.iter().map(|ticket| ticket.id));
    remember(turn, LIST, &serde_json::to_string(&listed)?);
    say_list(turn, reply);
    Ok(())
}

/// A list shows places and titles, so it goes to the private chat.
pub(super) fn say_list(turn: &mut Turn<'_, Actor>, reply: Reply) {
    let person = turn.actor.person;
    if turn.in_group() {
        turn.say(words::list_in_private());
    }
    turn.say_privately(person, reply);
}

/// Keeps a note here and, in a group, also in the private chat where the list is read.
pub(super) fn remember(turn: &mut Turn<'_, Actor>, note: &str, value: &str) {
    if let Some((_, memory)) = turn.private.as_mut() {
        memory.notes.insert(note.to_owned(), value.to_owned());
    }
    turn.memory.notes.insert(note.to_owned(), value.to_owned());
}

/// Forgets a note in both chats.
pub(super) fn forget(turn: &mut Turn<'_, Actor>, note: &str) {
    if let Some((_, memory)) = turn.private.as_mut() {
        memory.notes.remove(note);
    }
    turn.memory.notes.remove(note);
}

/// Has the ticket to do with these words: its township, village, field, unit, title, priority or number?
fn concerns(turn: &Turn<'_, Actor>, ticket: &Ticket, filter: &str) -> bool {
    let directory = turn.actor.directory();
    let all = [
        show::township(ticket, directory),
        show::place(ticket, directory),
        show::field(ticket, directory),
        show::unit(ticket, directory).unwrap_or_default().to_owned(),
        ticket.title.clone(),
        ticket.priority.chinese().to_owned(),
        ticket.number.clone(),
        proposed::unit(turn, ticket).map(|(_, unit, _)| unit).unwrap_or_default(),
    ];
    let wanted = text::fold(filter);
    all.iter().any(|words| text::fold(words).contains(&wanted))
}

/// The ticket as the list shows it: by its short number, and by day and number where two of the list have the same one and
/// this is not today's.
fn label(turn: &Turn<'_, Actor>, ticket: &Ticket, listed: &[Ticket]) -> String {
    let label = show::label(ticket, turn.actor.directory());
    let today = local(turn.now).format("%y%m%d").to_string();
    let twice = listed.iter().any(|other| other.id != ticket.id && other.seq == ticket.seq);
    if !twice || ticket.day == today {
        return label;
    }
    format!("{}-{}", ticket.day.get(2..).unwrap_or_default(), label.trim_start_matches('0'))
}

/// What is remarkable about it.
fn marks(turn: &Turn<'_, Actor>, ticket: &Ticket, handler: bool) -> Vec<String> {
    let due = show::running_due(ticket);
    let today = |due: Millis| local(due).date_naive() == local(turn.now).date_naive();
    let with_unit = matches!(ticket.state, State::Dispatched | State::Working);
    let who = ticket.handler.filter(|person| handler && *person != turn.actor.person);
    let who = who.and_then(|person| turn.actor.directory().staff(person)).map(|staff| staff.name.clone());
    [
        ticket.urgent().then(|| ticket.priority.chinese().to_owned()),
        ticket.supervised.then(words::mark_supervised),
        (ticket.state == State::SentBack).then(words::mark_sent_back),
        (ticket.round > 1).then(words::mark_again),
        (ticket.urges > 0).then(|| words::mark_urged(ticket.urges)),
        match due {
            Some(due) if due < turn.now => Some(words::mark_overdue()),
            Some(due) if with_unit && today(due) => Some(words::mark_due_today()),
            _ => None,
        },
        who,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// 全签: everything that waits for this unit, with a line for each.
async fn sign_all(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let tickets = waiting(turn, "to_sign").await?;
    if tickets.is_empty() {
        turn.say(wording::nothing_for(Verb::Sign.chinese()));
        return Ok(Submitted::Done(Vec::new()));
    }
    desk::run(turn, "sign", tickets, &Answers::new()).await
}

/// 我的: what this person reported, and what waits for this person.
///
/// # Errors
/// Those of the database.
pub async fn mine(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let entries = store::entries_of(turn.tx, &turn.actor.holders()).await?;
    if let Some(nameless) = entries.iter().find(|entry| entry.mode == Mode::Anonymous) {
        // The answer names tickets of which nothing stored may lead to the chat.
        turn.answer_as(Target::Reporter(nameless.id));
    }
    let mut lines = Vec::new();
    let mut last = None;
    for entry in entries.iter().take(9) {
        let Some(ticket) = store::by_id(turn.tx.conn(), entry.ticket).await? else { continue };
        // What is sealed does not exist in a group.
        if turn.in_group() && ticket.sealed != Sealed::Open {
            continue;
        }
        let directory = turn.actor.directory();
        let label = show::here(turn, &ticket);
        lines.push(format!("{label}：{}", wording::state_for_reporter(ticket.state, show::unit(&ticket, directory))));
        last = Some(ticket);
    }
    if turn.actor.is_staff() {
        for alias in ["to_accept", "to_assign", "to_sign", "todo", "to_review"] {
            let (name, count) = (name(alias).unwrap_or_default(), waiting(turn, alias).await?.len());
            if count > 0 {
                lines.push(format!("{name} {count} 件，回“{name}”"));
            }
        }
    }
    if lines.is_empty() {
        turn.say(wording::nothing_mine());
        return Ok(Submitted::Done(Vec::new()));
    }
    // One matter: its timeline says more than a line.
    if let (Some(ticket), [_]) = (last, &lines[..])
        && !turn.in_group()
    {
        let mut reply = show::for_reporter(turn, &ticket).await?;
        if ticket.state.is_open() {
            reply.choices = ["催办", "补充"].iter().flat_map(|word| show::chips(&ticket, &[word])).collect();
        }
        turn.say(reply);
        return Ok(Submitted::Done(Vec::new()));
    }
    turn.say(lines.join("\n"));
    Ok(Submitted::Done(Vec::new()))
}
