//! What each viewer may see of a ticket.
//!
//! In a group: number, township, field, due date. In private to somebody in office: also place and text, and the reporter's
//! name only in real-name mode. To the reporter: everything but internal notes.

use super::{
    Mode, Sealed, Ticket, kept,
    life::{Verb, Who},
    looks, oversight, refs,
    store::{self, Past},
    taken_back, together, veil,
    wording::{self, merging},
};
use crate::{
    bot::{Turn, shortcut},
    clock::{in_words, time_in_words},
    error::Result,
    message::{Card, Millis, Reply},
    people::{Actor, Directory, Level, Role},
    text,
};

/// The role in events of whoever reported.
const REPORTER: &str = "reporter";

/// `0007 前观津 夜里有人打井抽水卖`: for private chats.
pub fn label(ticket: &Ticket, directory: &Directory) -> String {
    format!("{} {} {}", ticket.short(), place(ticket, directory), ticket.title)
}

/// `0007 审坡镇 地下水超采综合治理`: for groups.
pub fn group_label(ticket: &Ticket, directory: &Directory) -> String {
    format!("{} {}", ticket.short(), group_scope(ticket, directory))
}

/// Township and field.
pub fn group_scope(ticket: &Ticket, directory: &Directory) -> String {
    format!("{} {}", township(ticket, directory), field(ticket, directory))
}

/// The label that fits the chat this turn answers in.
pub fn here(turn: &Turn<'_, Actor>, ticket: &Ticket) -> String {
    let directory = turn.actor.directory();
    if turn.in_group() { group_label(ticket, directory) } else { label(ticket, directory) }
}

/// The village's short name, or whatever the area is called.
pub fn place(ticket: &Ticket, directory: &Directory) -> String {
    directory.areas.get(&ticket.area).map_or_else(|| ticket.place.clone(), crate::people::areas::short)
}

/// The township, or the county where no township is known.
pub fn township(ticket: &Ticket, directory: &Directory) -> String {
    let area = directory.areas.above(&ticket.area, Level::Township).or_else(|| directory.areas.get(&ticket.area));
    area.map_or_else(String::new, |area| area.name.clone())
}

/// The field's or topic's name.
pub fn field(ticket: &Ticket, directory: &Directory) -> String {
    ticket.field.as_deref().and_then(|id| directory.field(id)).map_or_else(|| "未分类".to_owned(), |field| field.name.clone())
}

/// The visibility of an event that only intake, and whoever reported, may see.
pub const OF_CENTRE: &str = "centre";

/// The unit's name; of what is sealed the inspectors', whoever had it before.
pub fn unit<'d>(ticket: &Ticket, directory: &'d Directory) -> Option<&'d str> {
    if ticket.sealed != Sealed::Open {
        return Some(wording::secrecy::INSPECTION);
    }
    ticket.unit.as_deref().and_then(|id| directory.unit(id)).map(|unit| unit.name.as_str())
}

/// The due time that runs now.
pub fn running_due(ticket: &Ticket) -> Option<Millis> {
    use super::State::{Accepted, Dispatched, Disputed, SentBack, Shelved, Submitted, Working};
    match ticket.state {
        Submitted => ticket.accept_due,
        Accepted | SentBack | Disputed => ticket.dispatch_due,
        Dispatched | Working => ticket.resolve_due,
        Shelved => ticket.shelved_until,
        _ => None,
    }
}

/// The card for a group, with what can be done next as chips.
pub fn group_card(title: &str, ticket: &Ticket, directory: &Directory, now: Millis, text: String, next: &[&str]) -> Reply {
    let mut rows = vec![("属地".to_owned(), township(ticket, directory)), ("领域".to_owned(), field(ticket, directory))];
    if let Some(due) = running_due(ticket) {
        rows.push(("期限".to_owned(), format!("{}前", in_words(due, now))));
    }
    Reply { text, card: Some(card(title, ticket, rows)), choices: chips(ticket, next), ..Reply::default() }
}

/// The card for a private chat of somebody who may see the ticket.
pub fn private_card(title: &str, ticket: &Ticket, directory: &Directory, now: Millis) -> Card {
    let mut rows = vec![("地点".to_owned(), place(ticket, directory)), ("事情".to_owned(), ticket.title.clone())];
    if let Some(unit) = unit(ticket, directory) {
        rows.push(("单位".to_owned(), unit.to_owned()));
    }
    if let Some(due) = running_due(ticket) {
        rows.push(("期限".to_owned(), format!("{}前", in_words(due, now))));
    }
    card(title, ticket, rows)
}

fn card(title: &str, ticket: &Ticket, rows: Vec<(String, String)>) -> Card {
    Card {
        ticket: ticket.id,
        title: title.to_owned(),
        number: ticket.short(),
        state: ticket.state.chinese().to_owned(),
        rows,
        step: ticket.state.step(),
    }
}

/// Chips that type a command for this ticket in its present version.
pub fn chips(ticket: &Ticket, words: &[&str]) -> Vec<crate::message::Choice> {
    words
        .iter()
        .map(|word| {
            let mut chip = shortcut(format!("{word} {}#{}", ticket.number, ticket.version));
            chip.text = (*word).to_owned();
            chip
        })
        .collect()
}

/// Everything a person in office may see of a ticket, in private.
///
/// # Errors
/// Those of the database.
pub async fn for_staff(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Reply> {
    let now = turn.now;
    let reporters = store::reporters(turn.tx, ticket.id).await?;
    let history = store::history(turn.tx, ticket.id).await?;
    let media = crate::media::ready_of(turn.tx.conn(), ticket.id).await?;
    let office = turn.actor.office.clone();
    let directory = &office.directory;
    let may_know = knows_by_name(&turn.actor, ticket);
    let whole = kept::reads_originals(&turn.actor, ticket);
    let centre = refs::is(&turn.actor, ticket, Who::Holder(Role::Intake), false);
    let clerk = refs::is(&turn.actor, ticket, Who::Holder(Role::CallbackClerk), false);
    // Of what is the centre's a clerk reads what he asked, and the answers.
    let asked = |past: &Past| clerk && past.verb == Verb::Relay;
    let by_name = reporters.iter().any(|reporter| reporter.mode == Mode::RealName);
    // Of a report by name everything stands in the open; who may not know the name reads it without.
    let names = kept::names_of(&office.keys, &reporters)?;
    let open = |words: String| -> String { if !may_know && by_name { veil::hidden(&words, &names) } else { words } };
    let mut lines = vec![
        format!("{}　{}　{}", ticket.number, ticket.state, wording::kind_and_priority(ticket.kind, ticket.priority)),
        format!("地点　{}", open(ticket.place.clone())),
    ];
    match ticket.sealed {
        Sealed::Open => lines.push(format!("领域　{}", field(ticket, directory))),
        Sealed::Area | Sealed::Above => lines.push(wording::secrecy::only_inspectors().to_owned()),
    }
    lines.push(format!("事情　{}", open(kept::text(&office.keys, ticket, whole)?)));
    if !media.is_empty() {
        lines.push(format!("附件　{} 个", media.len()));
    }
    for reporter in &reporters {
        let known = if reporter.mode == Mode::RealName && may_know { reporter.contact(&office.keys)? } else { None };
        lines.push(match reporter.mode {
            Mode::RealName if !may_know => wording::reporter_known_to_unit().to_owned(),
            mode => wording::reporter_line(mode, known.as_deref(), ticket.typed()),
        });
    }
    let followers = together::followers(turn.tx, ticket.id).await?;
    lines.extend(followers.iter().map(|follower| merging::led(&label(follower, directory))));
    if let Some(leader) = leader(turn, ticket).await? {
        lines.push(merging::led_by(&label(&leader, directory)));
    }
    if let Some(unit) = unit(ticket, directory) {
        let retired = ticket.unit.as_deref().and_then(|id| directory.unit(id)).is_some_and(|unit| unit.retired);
        let mark = if retired && ticket.state.is_open() { wording::joint::retired_mark() } else { "" };
        lines.push(format!("单位　{unit}{mark}"));
    }
    lines.extend(super::desk::helper_lines(turn, ticket).await?);
    // First-receiver duty: whoever had it first stays named when it goes to somebody else.
    let first = taken_back::standing(&history)
        .into_iter()
        .find(|past| past.verb == Verb::Assign)
        .and_then(|past| past.payload.as_deref());
    if let Some(first) = first.filter(|first| ticket.unit.as_deref() != Some(*first)).and_then(|id| directory.unit(id)) {
        lines.push(wording::first_receiver(&first.name));
    }
    if let Some(handler) = ticket.handler.and_then(|id| directory.staff(id)) {
        lines.push(format!("承办　{}", handler.name));
    }
    if let Some(due) = running_due(ticket) {
        lines.push(format!("期限　{}前", in_words(due, now)));
    }
    lines.extend(wording::terms::marks(ticket));
    let done = taken_back::standing(&history).into_iter().rfind(|past| past.verb == Verb::Done);
    let last = done.filter(|_| ticket.sealed != Sealed::Open);
    lines.extend(match last {
        Some(past) => result_line(&Ticket { result: kept::words(&office.keys, ticket, past, whole)?, ..ticket.clone() }),
        None => result_line(ticket),
    });
    // The unit reads score and words, never who said them.
    for rating in store::ratings(turn.tx, ticket.id).await? {
        let words = kept::opened(&office.keys, ticket, rating.words)?.map(open);
        lines.push(wording::terms::rating_line(
            rating.solved.as_deref(),
            rating.value,
            rating.reason.as_deref(),
            words.as_deref(),
        ));
    }
    lines.extend(oversight::lines(turn, ticket).await?);
    lines.push("经过".to_owned());
    for past in history.into_iter().filter(|past| centre || past.visible != OF_CENTRE || asked(past)) {
        let words = kept::words(&office.keys, ticket, &past, whole)?;
        let reason = words.map(open);
        lines.push(timeline(&Past { reason, ..past }, now, Some(directory)));
    }
    let mut reply = Reply::text(lines.join("\n"));
    reply.card = Some(private_card("工单", ticket, directory, now));
    Ok(reply)
}

/// May this person know a reporter who gives name and phone? Intake, the unit, and who calls back (`domain.md` 16); others in
/// whose area the ticket lies read it without.
fn knows_by_name(actor: &Actor, ticket: &Ticket) -> bool {
    [Role::Intake, Role::CallbackClerk, Role::Liaison, Role::Handler, Role::UnitLeader]
        .iter()
        .any(|role| refs::is(actor, ticket, Who::Holder(*role), false))
}

/// What whoever reported may see: no internal notes, no names of staff.
///
/// # Errors
/// Those of the database.
pub async fn for_reporter(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Reply> {
    let now = turn.now;
    let office = turn.actor.office.clone();
    let directory = &office.directory;
    let reporters = together::reporters(turn.tx, ticket.id).await?;
    let alone = reporters.iter().filter(|(_, of)| of.is_none()).count() < 2;
    let leader = leader(turn, ticket).await?;
    let leading = leader.as_ref().unwrap_or(ticket);
    let own = store::history(turn.tx, ticket.id).await?;
    let mut history: Vec<(&Ticket, Past)> = own.into_iter().map(|past| (ticket, past)).collect();
    if let Some(leader) = &leader {
        // From here on the leading ticket's history is this one's, without what others who reported it did, wrote and were told.
        let since = history.last().map_or(0, |(_, past)| past.at);
        let later = store::history(turn.tx, leader.id).await?.into_iter();
        let later = later.filter(|past| past.at > since && past.role != "reporter" && past.visible != OF_CENTRE);
        history.extend(later.map(|past| (leader, past)));
    }
    let mut state = wording::state_for_reporter(leading.state, unit(leading, directory));
    if let Some(leader) = &leader {
        state = merging::together_with(&leader.short(), &state);
    }
    let mut lines = vec![format!("{}（{}）", label(ticket, directory), ticket.number), state.clone()];
    if let Some(due) = running_due(leading) {
        lines.push(format!("{}前有回音", wording::by(due, now)));
    }
    let shown = |past: &Past| matches!(past.visible.as_str(), "all" | OF_CENTRE) && past.verb != Verb::Reveal;
    for (of, past) in history.iter().filter(|(_, past)| shown(past)) {
        // Where several report one matter nobody reads what another wrote.
        let own = alone || past.role != REPORTER;
        let reason = if own { kept::words(&office.keys, of, past, false)? } else { None };
        lines.push(timeline(&Past { reason, ..past.clone() }, now, None));
    }
    // Who looked at an identity is for those whose identity could be seen.
    let mine = turn.actor.holders();
    let mine = reporters.iter().map(|(reporter, _)| reporter).find(|reporter| mine.contains(&reporter.holder));
    let known = mine.is_some_and(|mine| mine.mode != Mode::Anonymous);
    for (of, past) in history.iter().filter(|(of, past)| known && of.id == ticket.id && past.verb == Verb::Reveal) {
        let reason = kept::words(&office.keys, of, past, true)?.unwrap_or_default();
        lines.push(looks::in_words(&past.role, past.at, now, &reason));
    }
    let mut reply = Reply::text(lines.join("\n"));
    let mut card = private_card("我反映的", ticket, directory, now);
    card.state = state;
    reply.card = Some(card);
    Ok(reply)
}

/// The ticket that this one is handled with.
async fn leader(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Option<Ticket>> {
    match ticket.merged_into {
        Some(id) => store::by_id(turn.tx.conn(), id).await,
        None => Ok(None),
    }
}

/// Verdict, method and result in one line, once there is a result.
pub fn result_line(ticket: &Ticket) -> Option<String> {
    let result = ticket.result.as_deref()?;
    let verdict = [ticket.verification.map(super::Verification::chinese), ticket.method.map(super::Method::chinese)];
    let verdict: Vec<&str> = verdict.into_iter().flatten().collect();
    Some(if verdict.is_empty() { format!("结果　{result}") } else { format!("结果　{}：{result}", verdict.join("，")) })
}

fn timeline(past: &Past, now: Millis, staff: Option<&Directory>) -> String {
    let day = in_words(past.at, now);
    let joined = past.verb == Verb::Report && past.payload.is_some();
    let what = if joined { wording::same::ONE_MORE.to_owned() } else { wording::event(past.verb, past.to) };
    let who = staff
        .and_then(|directory| past.actor.and_then(|id| directory.staff(id)))
        .map(|person| format!("（{}）", person.name))
        .unwrap_or_default();
    let words =
        past.reason.as_deref().map(|reason| format!("：{}", text::shorten(&text::one_line(reason), 60))).unwrap_or_default();
    format!("{day} {} {what}{who}{words}", time_in_words(past.at))
}
