//! 是不是同一件事: before a report becomes a ticket, whoever reports is asked about matters that may be the same one.

mod rows;

use super::{
    Change, account, change, key, outcome,
    report::{self, Clue},
    reporter,
    work::tell_whoever_has_it,
};
use crate::{
    bot::{
        Submitted, Turn,
        dialog::{Answers, Item, Value},
    },
    error::{Error, Result},
    media,
    message::{Point, Reply},
    outbox::{Class, Target},
    people::{Actor, FieldKind},
    tickets::{
        Kind, Mode, Priority, Sealed, State, Ticket, kept,
        life::{To, Verb},
        refs,
        same::{self, Matter, Words},
        show, store,
        wording::{self, same as say},
        words,
    },
};

/// The payload of the event of whoever joins; the first report's has none.
const JOINED: &str = "joined";
/// The most that are asked about.
const MOST: usize = 3;

/// The question whether it is one of the matters that are known; none when there is none like it.
pub(super) async fn question(
    turn: &mut Turn<'_, Actor>,
    clue: &Clue,
    answers: &Answers,
    on_behalf: bool,
) -> Result<Option<Submitted>> {
    let office = turn.actor.office.clone();
    let directory = &office.directory;
    let field = directory.propose_field(&clue.text);
    let campaign = field.is_some_and(|field| field.kind == FieldKind::Campaign);
    if report::kind_of(&clue.text, campaign) == Kind::Accusation {
        return Ok(None);
    }
    let matter = |field: Option<&str>, area: &str, point, text: &str| Matter {
        field: field.map(str::to_owned),
        area: area.to_owned(),
        point,
        words: Words::read(text, &crate::people::areas::short_name(directory, area)),
    };
    let point = clue.point.as_ref().map(|Point { lat, lng, .. }| (*lat, *lng));
    let new = matter(field.map(|field| field.id.as_str()), &clue.area, point, &clue.text);
    let radius = field.and_then(|field| field.radius_m).map_or(same::RADIUS_M, |radius| radius as f64);
    let mut found: Vec<(f64, rows::Known)> = rows::near(turn, &clue.area, point, radius)
        .await?
        .into_iter()
        // What is over cannot be joined; only whoever reported it has it done again.
        .filter(|known| known.mine || known.ticket.state.is_open())
        // What speaks of somebody in office is not shown to others, sealed or not.
        .filter(|known| known.mine || !about_somebody_in_office(&known.ticket.text))
        .filter_map(|known| {
            let ticket = &known.ticket;
            let other = matter(ticket.field.as_deref(), &ticket.area, known.point, &ticket.text);
            same::likeness(&new, &other, radius).map(|sure| (sure, known))
        })
        .collect();
    if found.is_empty() {
        return Ok(None);
    }
    // What is open comes before what is over, then the surest; the newest of equals.
    found.sort_by(|(one, a), (other, b)| {
        let over = |known: &rows::Known| known.ticket.state == State::Closed;
        over(a).cmp(&over(b)).then(other.total_cmp(one))
    });
    found.truncate(MOST);
    if clue.mode == Mode::Anonymous
        && let Some(entry) = anonymous_entry(turn, found.iter().map(|(_, known)| known)).await?
    {
        turn.answer_as(Target::Reporter(entry));
    }
    let ids: Vec<String> = found.iter().map(|(_, known)| known.ticket.id.to_string()).collect();
    let mut given = answers.clone();
    given.insert("candidates".into(), Value::key(ids.join(","), "").into());
    given.insert("on_behalf".into(), Value::yes_or_no(on_behalf).into());
    Ok(Some(Submitted::Then("same", given)))
}

/// Do the words speak of somebody in office? One word too many hides a question, one too few shows who complained of whom.
fn about_somebody_in_office(text: &str) -> bool {
    const OFFICE: &[&str] = &[
        "干部",
        "书记",
        "主任",
        "村长",
        "镇长",
        "乡长",
        "县长",
        "局长",
        "所长",
        "站长",
        "科长",
        "院长",
        "校长",
        "会计",
        "民警",
        "领导",
        "工作人员",
        "公务员",
        "代表",
    ];
    OFFICE.iter().any(|word| text.contains(word))
}

/// This account's anonymous entry among the matters: the question then is recorded under it, not under the chat.
async fn anonymous_entry(turn: &mut Turn<'_, Actor>, known: impl Iterator<Item = &rows::Known>) -> Result<Option<i64>> {
    for known in known.filter(|known| known.mine) {
        let mine = refs::reported(turn, known.ticket.id).await?;
        if let Some(mine) = mine.filter(|mine| mine.mode == Mode::Anonymous) {
            return Ok(Some(mine.id));
        }
    }
    Ok(None)
}

/// The matters to choose from: place, what, when and how far, of others nothing that tells who they are.
///
/// # Errors
/// Those of the database.
pub async fn same_items(turn: &mut Turn<'_, Actor>, ids: &str) -> Result<Vec<Item>> {
    let ids: Vec<i64> = ids.split(',').filter_map(|id| id.parse().ok()).collect();
    let alone = ids.len() == 1;
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        let ticket = store::by_id(turn.tx.conn(), id).await?;
        // What was sealed since it was found does not exist for whoever is asked.
        let Some(ticket) = ticket.filter(|ticket| ticket.sealed == Sealed::Open) else { continue };
        let mine = refs::reported(turn, id).await?.is_some();
        let directory = turn.actor.directory();
        let what = format!("{} {}", show::place(&ticket, directory), ticket.title);
        let text = say::card(&what, ticket.submitted_at, turn.now, ticket.state, show::unit(&ticket, directory), mine);
        let also = if alone { say::YES.iter().map(|word| (*word).to_owned()).collect() } else { Vec::new() };
        items.push(Item { also, short: Some(what), ..Item::new(id.to_string(), text) });
    }
    Ok(items)
}

/// The answer to the question: a matter of its own, or part of one that is known.
pub(super) async fn answered(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let on_behalf = key(answers, "on_behalf") == "yes";
    let Some(clue) = report::clue_of(turn, answers, on_behalf) else {
        // 重新开始 leaves nothing of the report.
        return Ok(Submitted::Then("report", Answers::new()));
    };
    let Ok(id) = key(answers, "which").parse::<i64>() else { return own(turn, answers, clue, None).await };
    let Some(ticket) = leading(turn, id).await? else { return own(turn, answers, clue, None).await };
    let mine = refs::reported(turn, ticket.id).await?;
    let receipt = match (&mine, ticket.state) {
        (Some(_), State::Closed) => match outcome::reopen(turn, ticket.clone(), &clue.text).await {
            Ok(reply) => {
                media::attach(turn.tx, &clue.media, ticket.id).await?;
                reply.text
            }
            Err(Error::User(sentence)) => return own(turn, answers, clue, Some(sentence)).await,
            Err(error) => return Err(error),
        },
        (Some(_), state) if state.is_open() => reporter::add(turn, ticket.clone(), answers).await?.text,
        (None, state) if state.is_open() => join(turn, &ticket, clue, &account(answers, "what").text).await?,
        (_, state) => return own(turn, answers, clue, Some(say::over(state))).await,
    };
    if Mode::from_code(&key(answers, "identity")) == Some(Mode::Anonymous)
        || mine.is_some_and(|mine| mine.mode == Mode::Anonymous)
    {
        crate::outbox::forget_said(turn.tx, &Target::Chat(turn.conversation)).await?;
    }
    Ok(Submitted::Done(vec![("receipt", receipt)]))
}

/// The ticket that was chosen, or the one it was merged into meanwhile.
async fn leading(turn: &mut Turn<'_, Actor>, id: i64) -> Result<Option<Ticket>> {
    let ticket = store::by_id(turn.tx.conn(), id).await?.filter(|ticket| ticket.sealed == Sealed::Open);
    match ticket.as_ref().and_then(|ticket| ticket.merged_into) {
        Some(leader) => store::by_id(turn.tx.conn(), leader).await,
        None => Ok(ticket),
    }
}

/// It becomes a ticket of its own after all; it is not asked about again.
async fn own(turn: &mut Turn<'_, Actor>, answers: &Answers, clue: Clue, note: Option<String>) -> Result<Submitted> {
    Ok(match report::file(turn, answers, clue).await? {
        Submitted::Done(values) => {
            let value = |name: &str| values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value.as_str());
            let received = wording::received(value("number"), value("promise"));
            let receipt = note.into_iter().chain([received]).collect::<Vec<_>>().join("\n");
            Submitted::Done(vec![("receipt", receipt)])
        }
        other => other,
    })
}

/// This person reports the ticket too: an entry in the chosen mode, the words as an event, and whoever has it is told.
async fn join(turn: &mut Turn<'_, Actor>, ticket: &Ticket, clue: Clue, said: &str) -> Result<String> {
    let danger = words::danger(said);
    let said = kept::spoken(&turn.actor.office.keys, ticket, said, clue.mode, &clue.names)?;
    let text = wording::with_media(&said.open, clue.media.len());
    let what = Change::of(Verb::Report).because(&text).with(JOINED).sealing(&said.original).leading(To::Same);
    let after = change(turn, ticket, what, |ticket| {
        if danger {
            ticket.priority = Priority::Urgent;
        }
    })
    .await?;
    media::attach(turn.tx, &clue.media, after.id).await?;
    let entry = report::reporter(turn, &Ticket { mode: clue.mode, ..after.clone() }, clue.contact)?;
    let now = turn.now;
    store::add_reporter(turn.tx, &entry, now).await?;
    if clue.mode == Mode::Anonymous {
        turn.answer_as(Target::Reporter(entry.id));
    }
    let directory = turn.actor.office.directory.clone();
    let reply = Reply::both(
        say::one_more(&show::group_label(&after, &directory), after.seq),
        say::one_more_private(&show::label(&after, &directory), &text),
    );
    tell_whoever_has_it(turn, &after, Class::Batch, reply);
    let due = show::running_due(&after);
    Ok(say::joined(&after.short(), after.state, show::unit(&after, &directory), due, now, clue.mode))
}
