//! 转建议 and what becomes of it: 我的建议, 代表建议.

use super::{Change, change, key, my_name, tell_person, text};
use crate::{
    bot::{
        Offer, Resolved, Submitted, Turn,
        dialog::{Answer, Answers, Item, Value},
    },
    clock::DAY,
    error::{Error, Result},
    message::{Choice, Reply},
    outbox::{Class, Push, Target},
    people::{Actor, Level, Role},
    text as cut,
    tickets::{
        Ticket,
        life::Verb,
        lists, show, store,
        suggestion::{self, Class as Outcome, Move, Party, Stage, Suggestion},
        wording::suggestion as words,
    },
};

/// Calendar months for the written answer, and for a new one after 不满意.
const ANSWER: u32 = 3;
const ANSWER_AGAIN: u32 = 1;
/// The question whether the deputy is satisfied waits this long.
const QUESTION_WAITS: i64 = 30 * DAY;
/// Tickets whose places and titles the draft names.
const NAMED: usize = 6;

/// What the dialog of 转建议 must be given: a draft made of the tickets' places and titles.
///
/// # Errors
/// Those of the database.
pub async fn draft(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Answers> {
    let mut given = Answers::new();
    if !answers.contains_key("ticket") {
        return Ok(given);
    }
    let tickets = super::tickets(turn, answers).await?;
    let (title, body) = drafted(turn, &tickets);
    given.insert("draft_title".into(), Value::text(title).into());
    given.insert("draft_body".into(), Value::text(body).into());
    Ok(given)
}

fn drafted(turn: &Turn<'_, Actor>, tickets: &[Ticket]) -> (String, String) {
    let directory = turn.actor.directory();
    let field = tickets.first().map(|ticket| show::field(ticket, directory)).unwrap_or_default();
    let mut towns: Vec<String> = tickets.iter().map(|ticket| show::township(ticket, directory)).collect();
    towns.sort();
    towns.dedup();
    let town = if let [one] = &towns[..] { one.as_str() } else { "" };
    let lines: Vec<String> =
        tickets.iter().take(NAMED).map(|ticket| words::matter(&show::place(ticket, directory), &ticket.title)).collect();
    (words::draft_title(town, &field), words::draft_body(&lines, tickets.len()))
}

/// 转建议: one or several tickets become a suggestion, handed in at once or kept as a draft.
pub(super) async fn to_suggestion(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let tickets = super::tickets(turn, answers).await?;
    let (title, body) = drafted(turn, &tickets);
    let or = |said: String, draft: String| if said.is_empty() { draft } else { said };
    let now = turn.now;
    let file = key(answers, "next") == "file";
    let new = Suggestion {
        id: store::next_seq(turn.tx, "suggestion").await?,
        person: turn.actor.person,
        title: or(text(answers, "title"), title),
        body: or(text(answers, "body"), body),
        stage: if file { Stage::Filed } else { Stage::Draft },
        class: None,
        at: now,
        due_at: file.then(|| suggestion::due(now, ANSWER)),
        unit: None,
        answer: None,
    };
    for ticket in &tickets {
        change(turn, ticket, Change::of(Verb::ToSuggestion).with(&new.id.to_string()).internal(), |_| {}).await?;
    }
    suggestion::insert(turn.tx, &new, &tickets.iter().map(|ticket| ticket.id).collect::<Vec<_>>()).await?;
    if file {
        tell_congress(turn, words::filed_for_congress(&new, &my_name(turn), now));
    }
    turn.say(words::written(&new, now));
    Ok(Submitted::Done(Vec::new()))
}

/// Tells the congress staff of the deputy's county.
fn tell_congress(turn: &mut Turn<'_, Actor>, text: String) {
    let area = county(turn);
    turn.push(Push {
        target: Target::Role { role: Role::NpcStaff.as_str().to_owned(), area, unit: None },
        ticket: None,
        class: Class::Batch,
        reply: Reply::text(text),
        except: None,
        urgent: false,
    });
}

fn county(turn: &Turn<'_, Actor>) -> String {
    let of_deputy = turn.actor.grants().iter().find(|grant| grant.role == Role::Deputy).map(|grant| grant.area.as_str());
    let area = of_deputy.unwrap_or_default();
    area.get(..Level::County.digits()).unwrap_or(area).to_owned()
}

/// In which part this person moves it: its author, or the congress staff of the author's area.
fn party(turn: &Turn<'_, Actor>, of: &Suggestion) -> Option<Party> {
    if of.person == turn.actor.person {
        return Some(Party::Author);
    }
    let areas = turn.actor.directory().grants(of.person).iter().filter(|grant| grant.role == Role::Deputy);
    let holds = |area: &str| turn.actor.may_act_as(Role::NpcStaff, crate::people::Scope::area(area));
    let mut areas = areas.map(|grant| grant.area.as_str()).peekable();
    // A deputy who left office: his suggestion is still answered for.
    let congress = if areas.peek().is_none() { turn.actor.has(Role::NpcStaff) } else { areas.any(holds) };
    congress.then_some(Party::Congress)
}

/// Those that this person may look at: as congress staff all that were handed in, and his own.
async fn visible(turn: &mut Turn<'_, Actor>, congress: Option<bool>) -> Result<Vec<(Suggestion, Party)>> {
    let mut all = Vec::new();
    if congress != Some(true) {
        all.extend(suggestion::of_person(turn.tx, turn.actor.person).await?);
    }
    if congress != Some(false) {
        let open = suggestion::open(turn.tx).await?;
        all.extend(open.into_iter().filter(|open| open.person != turn.actor.person));
    }
    Ok(all.into_iter().filter_map(|one| party(turn, &one).map(|party| (one, party))).collect())
}

/// 我的建议, or 代表建议 for the congress staff.
///
/// # Errors
/// Those of the database.
pub async fn mine(turn: &mut Turn<'_, Actor>, congress: bool) -> Result<()> {
    let now = turn.now;
    let all = visible(turn, Some(congress)).await?;
    let directory = turn.actor.directory();
    let lines: Vec<String> = all
        .iter()
        .map(|(one, party)| {
            let by = if congress { directory.staff(one.person).map(|staff| staff.name.as_str()) } else { None };
            let unit = one.unit.as_deref().and_then(|id| directory.unit(id)).map(|unit| unit.name.as_str());
            words::line(one, by, unit, &suggestion::moves(one.stage, *party), now)
        })
        .collect();
    let to_do = all.iter().any(|(one, party)| !suggestion::moves(one.stage, *party).is_empty());
    let reply = words::list(congress, &lines, to_do);
    lists::say_list(turn, reply.into());
    Ok(())
}

/// The suggestions with which this person can do something, as choices.
///
/// # Errors
/// Those of the database.
pub async fn choices(turn: &mut Turn<'_, Actor>) -> Result<Vec<Item>> {
    let all = visible(turn, None).await?;
    Ok(all
        .into_iter()
        .filter(|(one, party)| !suggestion::moves(one.stage, *party).is_empty())
        .map(|(one, _)| Item { no: u32::try_from(one.id).ok(), ..Item::new(one.id.to_string(), one.title) })
        .collect())
}

/// The suggestion that a word of a command line means, if this person can do something with it now.
///
/// # Errors
/// Those of the database.
pub async fn named(turn: &mut Turn<'_, Actor>, said: &str) -> Result<Resolved> {
    let number = said.trim_end_matches('号').parse::<i64>().ok().or_else(|| cut::number(said).map(i64::from));
    let Some(id) = number else { return Ok(Resolved::not(words::no_number(&cut::shorten(said, 20)))) };
    let Some(one) = suggestion::by_id(turn.tx, id).await? else { return Ok(Resolved::not(words::unknown(id))) };
    let party = party(turn, &one).filter(|party| *party == Party::Author || one.stage != Stage::Draft);
    let Some(party) = party else { return Ok(Resolved::not(words::unknown(id))) };
    if suggestion::moves(one.stage, party).is_empty() {
        return Ok(Resolved::not(words::nothing_to_do(&one)));
    }
    Ok(Resolved::is(Value::key(id.to_string(), one.title)))
}

/// What this person can do with a suggestion now, as choices.
///
/// # Errors
/// Those of the database.
pub async fn moves(turn: &mut Turn<'_, Actor>, id: Option<i64>) -> Result<Vec<Item>> {
    let Some(id) = id else { return Ok(Vec::new()) };
    let Some(one) = suggestion::by_id(turn.tx, id).await? else { return Ok(Vec::new()) };
    let Some(party) = party(turn, &one) else { return Ok(Vec::new()) };
    Ok(suggestion::moves(one.stage, party).into_iter().map(|what| Item::new(what.code(), what.chinese())).collect())
}

/// One step on: 提交, 交办, 答复, 满意, 不满意.
pub(super) async fn go_on(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let id: i64 = key(answers, "suggestion").parse().map_err(|_| Error::fault("a suggestion step holds no id"))?;
    let before = suggestion::by_id(turn.tx, id).await?.ok_or_else(|| Error::user(words::unknown(id)))?;
    let what = Move::from_code(&key(answers, "move")).ok_or_else(|| Error::fault("an unknown move of a suggestion"))?;
    let party = party(turn, &before).ok_or_else(|| Error::user(words::unknown(id)))?;
    let stage = suggestion::next(before.stage, what, party).ok_or_else(|| Error::user(words::stands(&before)))?;
    let now = turn.now;
    let mut after = Suggestion { stage, ..before.clone() };
    match what {
        Move::File => after.due_at = Some(suggestion::due(now, ANSWER)),
        Move::Give => after.unit = Some(key(answers, "unit")).filter(|unit| !unit.is_empty()),
        Move::Answer => {
            after.class = Some(key(answers, "class"));
            after.answer = Some(text(answers, "answer"));
        }
        Move::Satisfied => after.due_at = None,
        Move::Dissatisfied => after.due_at = Some(suggestion::due(now, ANSWER_AGAIN)),
    }
    if !suggestion::update(turn.tx, before.stage, &after).await? {
        return Err(Error::user(words::stands(&before)));
    }
    let directory = turn.actor.office.directory.clone();
    let unit = after.unit.as_deref().and_then(|id| directory.unit(id)).map_or("", |unit| unit.name.as_str());
    match what {
        Move::File => tell_congress(turn, words::filed_for_congress(&after, &my_name(turn), now)),
        Move::Give => tell_author(turn, &after, words::given_for_author(&after, unit, now).into()).await?,
        Move::Answer => ask_author(turn, &after, unit).await?,
        Move::Satisfied | Move::Dissatisfied => {
            let by = my_name(turn);
            let reason = text(answers, "reason");
            tell_congress(turn, words::judged_for_congress(&after, &by, what == Move::Satisfied, &reason, now));
        }
    }
    turn.say(words::moved(&after, what, now));
    Ok(Submitted::Done(Vec::new()))
}

async fn tell_author(turn: &mut Turn<'_, Actor>, one: &Suggestion, reply: Reply) -> Result<()> {
    let Some(ticket) = first_ticket(turn, one.id).await? else { return Ok(()) };
    tell_person(turn, &ticket, one.person, reply);
    Ok(())
}

async fn first_ticket(turn: &mut Turn<'_, Actor>, id: i64) -> Result<Option<Ticket>> {
    match suggestion::tickets(turn.tx, id).await?.first() {
        Some(ticket) => store::by_id(turn.tx.conn(), *ticket).await,
        None => Ok(None),
    }
}

/// The answer and the question in one message; the question waits, and 我的建议 does the same later.
async fn ask_author(turn: &mut Turn<'_, Actor>, one: &Suggestion, unit: &str) -> Result<()> {
    let Some(ticket) = first_ticket(turn, one.id).await? else { return Ok(()) };
    let outcome = one.class.as_deref().and_then(Outcome::from_code);
    let mut reply = Reply::text(words::answer_for_author(one, unit, outcome));
    for (number, what) in (1..).zip(suggestion::moves(one.stage, Party::Author)) {
        let payload = format!("{}{}", crate::bot::wording::TYPED, what.chinese());
        reply.choices.push(Choice { number: Some(number), text: what.chinese().to_owned(), payload });
    }
    tell_person(turn, &ticket, one.person, reply);
    let mut preset = Answers::new();
    preset.insert("suggestion".into(), Answer::Given(Value::key(one.id.to_string(), cut::shorten(&one.title, 20))));
    turn.offer(Offer {
        target: Target::Person(one.person),
        dialog: "suggestion",
        preset,
        ticket: ticket.id,
        urgent: false,
        optional: false,
        expires_at: turn.now + QUESTION_WAITS,
    })
}
