//! Working lists, 我的, 照派, and what to make of free words.

use super::{
    State, Ticket,
    commands::verb_of_source,
    desk,
    life::Verb,
    refs::{self, Found},
    show, store, wording,
};
use crate::{
    bot::{
        Opening, Submitted, Turn,
        dialog::{Answers, Item, MediaId, Named, Value},
    },
    error::{Error, Result},
    message::{Reply, Said},
    people::{Actor, Role},
    text,
};
use std::collections::BTreeMap;

/// Lines of a list that are shown.
const LINES: usize = 20;

/// Words of danger to life.
const DANGER: &[&str] = &[
    "着火",
    "起火",
    "失火",
    "煤气中毒",
    "触电",
    "落水",
    "溺水",
    "跳楼",
    "跳河",
    "掉井",
    "掉进井",
    "掉水里",
    "掉河里",
    "电着人",
    "电着了",
    "救命",
    "塌了",
    "砸伤",
    "爆炸",
    "流血",
    "车祸",
    "晕倒",
    "自杀",
    "不想活",
    "杀人",
    "打死",
    "中毒了",
    "有人受伤",
    "被困",
];

/// Do these words speak of danger to life?
pub fn danger(text: &str) -> bool {
    DANGER.iter().any(|word| text.contains(word))
}

/// Greetings and thanks, which never start a report and never answer a question.
pub fn small_talk(text: &str) -> Option<SmallTalk> {
    let said = text::fold(text);
    let said = said.trim_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace() || "~～呀啊吗呢吧哈".contains(c));
    Some(match said {
        "" => return None,
        "你好" | "您好" | "hi" | "hello" | "在" | "有人" | "早上好" | "早" | "喂" | "在不在" | "你是谁" | "民呼" | "你们好" => {
            SmallTalk::Hello
        }
        "谢谢" | "谢谢你" | "谢谢您" | "多谢" | "好的" | "好" | "好的谢谢" | "知道了" | "收到" | "嗯" | "嗯嗯" | "ok"
        | "辛苦了" | "再见" | "明白了" => SmallTalk::Thanks,
        "怎么样了" | "办得怎么样了" | "没人管" | "怎么还没人管" | "有结果了" | "办好了" | "到哪了" | "进度" | "办了" => {
            SmallTalk::HowIsIt
        }
        _ => return None,
    })
}

/// Kinds of small talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmallTalk {
    /// 你好.
    Hello,
    /// 谢谢.
    Thanks,
    /// 怎么样了.
    HowIsIt,
}

/// What to make of words, pictures or a place that nothing else took.
///
/// # Errors
/// Those of the database.
pub async fn open(turn: &mut Turn<'_, Actor>, said: &Said) -> Result<Opening> {
    match small_talk(&said.text) {
        Some(SmallTalk::Hello) => {
            turn.say(wording::greeting(turn.actor.is_staff()));
            return Ok(Opening::Answered);
        }
        Some(SmallTalk::Thanks) => {
            turn.say(wording::welcome());
            return Ok(Opening::Answered);
        }
        Some(SmallTalk::HowIsIt) => {
            let entries = store::entries_of(turn.tx, &turn.actor.holders()).await?;
            for entry in entries.iter().take(9) {
                let ticket = store::by_id(turn.tx.conn(), entry.ticket).await?;
                if let Some(ticket) = ticket.filter(|ticket| ticket.state.is_open() && !turn.in_group()) {
                    let mut given = Answers::new();
                    given.insert("ticket".into(), Value::key(ticket.id.to_string(), show::here(turn, &ticket)).into());
                    let state = wording::state_for_reporter(ticket.state, show::unit(&ticket, turn.actor.directory()));
                    given.insert("state".into(), Value::text(state).into());
                    return Ok(Opening::Dialog("how", given, Vec::new()));
                }
            }
            mine(turn).await?;
            return Ok(Opening::Answered);
        }
        None => {}
    }
    // Any reply to a ticket's card is about that ticket.
    if let Some(number) = said.quote.as_ref().and_then(|quote| refs::number_of_card(&quote.text)) {
        let found = resolve(turn, Verb::Add, &number).await?;
        if let Some(ticket) = found.0.first() {
            let mut given = Answers::new();
            given.insert("ticket".into(), Value::key(ticket.id.to_string(), ticket.short()).into());
            return Ok(Opening::Dialog("add", given, Vec::new()));
        }
    }
    if turn.in_group() && said.point.is_none() && turn.media.is_empty() {
        turn.say(wording::in_group_only_commands());
        return Ok(Opening::Answered);
    }
    if !reads_like_a_problem(said, &turn.media) {
        turn.say(if turn.new { wording::greeting(turn.actor.is_staff()) } else { wording::what_i_can().to_owned() });
        return Ok(Opening::Answered);
    }
    let given = place_of(turn, said);
    // A village's name that stands for several is asked about at once, with those it may mean.
    let several = if given.is_empty() { turn.actor.directory().areas.several_in(&said.text) } else { None };
    let parts = several.map(|name| ("place", Value::Text(name))).into_iter().collect();
    Ok(Opening::Dialog("report", given, parts))
}

/// A picture, a voice or a location is a report by itself; words are one when there are enough of them and they are no number.
fn reads_like_a_problem(said: &Said, media: &[MediaId]) -> bool {
    let letters = said.text.chars().filter(|c| !c.is_ascii() && !c.is_whitespace()).count();
    !media.is_empty() || said.point.is_some() || letters >= 4
}

/// The place that a sentence or a location surely names.
fn place_of(turn: &Turn<'_, Actor>, said: &Said) -> Answers {
    let areas = &turn.actor.directory().areas;
    let mut given = Answers::new();
    let label = said.point.as_ref().map_or("", |point| point.label.as_str());
    let named = [said.text.as_str(), label].into_iter().find_map(|text| areas.in_sentence(text));
    if let Some((area, _)) = named.filter(|(area, _)| area.level() == crate::people::Level::Village) {
        let place = Value::Place {
            code: area.code.clone(),
            name: areas.display(&area.code),
            point: said.point.clone(),
            words: String::new(),
        };
        given.insert("place".into(), place.into());
    }
    given
}

/// The tickets that words of a command line mean, and a sentence for each that means none.
///
/// # Errors
/// Those of the database.
pub async fn resolve(turn: &mut Turn<'_, Actor>, verb: Verb, words: &str) -> Result<(Vec<Ticket>, Vec<String>, Vec<Ticket>)> {
    let (mut tickets, mut wrong, mut several) = (Vec::new(), Vec::new(), Vec::new());
    for reference in refs::read(words) {
        for found in refs::resolve(turn, verb, &reference).await? {
            match found {
                Found::One(ticket) if tickets.iter().any(|known: &Ticket| known.id == ticket.id) => {}
                Found::One(ticket) => tickets.push(*ticket),
                Found::Several(mut choices) => several.append(&mut choices),
                Found::Not(why) => wrong.push(why),
            }
        }
    }
    Ok((tickets, wrong, several))
}

/// Tickets as the answer of a dialog's step.
pub fn value_of(tickets: &[Ticket], turn: &Turn<'_, Actor>) -> Value {
    let named: Vec<Named> =
        tickets.iter().map(|ticket| Named { key: ticket.id.to_string(), text: show::here(turn, ticket) }).collect();
    match <[Named; 1]>::try_from(named) {
        Ok([one]) => Value::Key(one),
        Err(many) => Value::Keys(many),
    }
}

/// Tickets as choices: the number shown is the ticket's own, as long as no two are alike.
pub fn items_of(tickets: &[Ticket], turn: &Turn<'_, Actor>) -> Vec<Item> {
    let mut seen = std::collections::HashSet::new();
    let unique = tickets.iter().all(|ticket| seen.insert(ticket.seq));
    tickets
        .iter()
        .map(|ticket| Item {
            also: vec![ticket.number.clone(), ticket.short()],
            no: unique.then(|| u32::try_from(ticket.seq).ok()).flatten(),
            ..Item::new(ticket.id.to_string(), show::here(turn, ticket))
        })
        .collect()
}

/// The candidates of a `tickets` source.
///
/// # Errors
/// Those of the database.
pub async fn candidates(turn: &mut Turn<'_, Actor>, source_verb: &str) -> Result<Vec<Ticket>> {
    let Some(verb) = verb_of_source(source_verb) else {
        return Err(Error::fault(format!("a dialog asks for tickets to {source_verb}, which is no verb")));
    };
    refs::candidates(turn, verb).await
}

/// A working list by its alias.
///
/// # Errors
/// Those of the database.
pub async fn show_list(turn: &mut Turn<'_, Actor>, alias: &str) -> Result<Submitted> {
    let (name, verb, states): (_, _, &[State]) = match alias {
        "to_accept" => ("待受理", Verb::Accept, &[State::Submitted]),
        "to_assign" => ("待派", Verb::Assign, &[State::Accepted, State::SentBack, State::Submitted]),
        "to_sign" => ("待签", Verb::Sign, &[State::Dispatched]),
        "todo" => ("待办", Verb::Done, &[State::Working]),
        "to_review" => return review_list(turn).await,
        "assign_all" => return assign_all(turn).await,
        other => return Err(Error::fault(format!("no list is called {other}"))),
    };
    let mut tickets = refs::candidates(turn, verb).await?;
    tickets.retain(|ticket| states.contains(&ticket.state));
    let proposals = if verb == Verb::Assign || verb == Verb::Accept { proposals(turn, &tickets) } else { Vec::new() };
    if verb == Verb::Assign {
        remember(turn, &proposals);
    }
    let reply = list(turn, name, &tickets, &proposals, verb == Verb::Assign);
    say_list(turn, reply);
    Ok(Submitted::Done(Vec::new()))
}

/// 待审 is the leader's and the dispatcher's: what this person can sign off or pass.
async fn review_list(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let mut tickets = refs::candidates(turn, Verb::SignOff).await?;
    tickets.retain(|ticket| !ticket.signed_off);
    for ticket in refs::candidates(turn, Verb::Pass).await? {
        let passable = ticket.signed_off || turn.actor.directory().holders(Role::UnitLeader, refs::scope_of(&ticket)).is_empty();
        if passable && !tickets.iter().any(|known| known.id == ticket.id) {
            tickets.push(ticket);
        }
    }
    let reply = list(turn, "待审", &tickets, &[], false);
    say_list(turn, reply);
    Ok(Submitted::Done(Vec::new()))
}

/// (ticket, unit id, unit name, reason) for those that rules propose something for.
type Proposed = (i64, String, String, String);

fn proposals(turn: &Turn<'_, Actor>, tickets: &[Ticket]) -> Vec<Proposed> {
    let directory = turn.actor.directory();
    tickets
        .iter()
        .filter_map(|ticket| {
            let proposal = directory.propose(&ticket.text, ticket.field.as_deref(), &ticket.area)?;
            Some((ticket.id, proposal.unit.id.clone(), proposal.unit.name.clone(), proposal.reason))
        })
        .collect()
}

/// Keeps what the list proposed, so that 照派 means what was shown.
fn remember(turn: &mut Turn<'_, Actor>, proposals: &[Proposed]) {
    let kept: BTreeMap<i64, &str> = proposals.iter().take(LINES).map(|(id, unit, ..)| (*id, unit.as_str())).collect();
    match serde_json::to_string(&kept) {
        Ok(text) if !kept.is_empty() => _ = turn.memory.notes.insert("proposals".into(), text),
        _ => _ = turn.memory.notes.remove("proposals"),
    }
}

fn list(turn: &Turn<'_, Actor>, name: &str, tickets: &[Ticket], proposals: &[Proposed], assign: bool) -> Reply {
    let mut lines = vec![wording::list_heading(name, tickets.len())];
    let mut open = None;
    for ticket in tickets.iter().take(LINES) {
        let label = show::label(ticket, turn.actor.directory());
        let proposal = proposals.iter().find(|(id, ..)| *id == ticket.id);
        if assign && proposal.is_none() {
            open.get_or_insert(ticket.seq);
            lines.push(wording::list_line_open(&label));
            continue;
        }
        lines.push(wording::list_line(&label, proposal.map(|(_, _, unit, reason)| (unit.as_str(), reason.as_str()))));
    }
    let hint = if assign { wording::list_hint_assign(!proposals.is_empty(), open) } else { String::new() };
    if !hint.is_empty() && !tickets.is_empty() {
        lines.push(hint);
    }
    let mut reply = Reply::text(lines.join("\n"));
    if assign && !proposals.is_empty() {
        reply.choices.push(crate::bot::shortcut("照派"));
    }
    reply
}

/// A list shows places and titles, so it goes to the private chat.
fn say_list(turn: &mut Turn<'_, Actor>, reply: Reply) {
    let person = turn.actor.person;
    if turn.in_group() {
        turn.say(wording::list_in_private());
    }
    turn.say_privately(person, reply);
}

/// 照派: everything the last list proposed, to the unit it showed.
async fn assign_all(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let kept: BTreeMap<i64, String> =
        turn.memory.notes.remove("proposals").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    if kept.is_empty() {
        turn.say(wording::nothing_listed());
        return Ok(Submitted::Done(Vec::new()));
    }
    let mut lines = Vec::new();
    for (id, unit) in kept {
        let Some(ticket) = store::by_id(turn.tx.conn(), id).await? else { continue };
        match desk::assign_to(turn, ticket, &unit, "照派").await {
            Ok(reply) => lines.push(reply.text),
            Err(Error::User(sentence)) => lines.push(sentence),
            Err(error) => return Err(error),
        }
    }
    turn.say(lines.join("\n"));
    Ok(Submitted::Done(Vec::new()))
}

/// 我的: what this person reported, and what waits for this person.
///
/// # Errors
/// Those of the database.
pub async fn mine(turn: &mut Turn<'_, Actor>) -> Result<Submitted> {
    let entries = store::entries_of(turn.tx, &turn.actor.holders()).await?;
    let mut lines = Vec::new();
    let mut last = None;
    for entry in entries.iter().take(9) {
        let Some(ticket) = store::by_id(turn.tx.conn(), entry.ticket).await? else { continue };
        let directory = turn.actor.directory();
        let label = show::here(turn, &ticket);
        lines.push(format!("{label}：{}", wording::state_for_reporter(ticket.state, show::unit(&ticket, directory))));
        last = Some(ticket);
    }
    if turn.actor.is_staff() {
        for (name, verb) in [
            ("待受理", Verb::Accept),
            ("待派", Verb::Assign),
            ("待签", Verb::Sign),
            ("待办", Verb::Done),
            ("待审", Verb::SignOff),
        ] {
            let count = refs::candidates(turn, verb).await?.len();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_and_thanks_are_no_reports() {
        for (text, expected) in [
            ("你好", Some(SmallTalk::Hello)),
            ("在吗？", Some(SmallTalk::Hello)),
            ("谢谢！", Some(SmallTalk::Thanks)),
            ("好的", Some(SmallTalk::Thanks)),
            ("怎么样了", Some(SmallTalk::HowIsIt)),
            ("村里没水了", None),
            ("", None),
        ] {
            assert_eq!(small_talk(text), expected, "{text}");
        }
    }

    #[test]
    fn danger_to_life_is_heard() {
        assert!(danger("村东头着火了"));
        assert!(!danger("路灯不亮"));
    }
}
