//! What reporters do with their tickets: 补充, 撤回, 催办, 查.

use super::{Change, account, attach, change, leave, sealed, work::tell_whoever_has_it};
use crate::{
    bot::{
        Submitted, Turn, close_offers,
        dialog::{Answers, Value},
    },
    clock::{DAY, MINUTE},
    error::{Error, Result},
    message::Reply,
    outbox::{Class, Target},
    people::{Actor, Role, codes},
    tickets::{
        Matter, Proposal, Sealed, State, Ticket, Voice, group, kept,
        life::{To, Verb, When},
        looks, refs, show, store,
        wording::{self, terms},
    },
};

/// What comes this soon after an addition belongs to it.
const MORE_FOLLOWS: i64 = 10 * MINUTE;
/// A reporter urges once in this time.
const URGE_EVERY: i64 = 3 * DAY;
/// From this urge on, dispatchers know and an order is proposed.
const OFTEN: i64 = 3;

/// 补充: also the answer to 追问, and anything that is sent back to a question about the ticket.
pub(super) async fn add(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let what = account(answers, "what");
    sealed::guard(turn, &ticket, &what.text)?;
    let said = kept::of_reporter(turn, &ticket, &what.text).await?;
    let words = wording::with_media(&said.open, what.media.len());
    let after = change(turn, &ticket, Change::of(Verb::Add).because(&words).sealing(&said.original), |_| {}).await?;
    attach(turn, &what, after.id).await?;
    close_offers(turn.tx, after.id, &["add"]).await?;
    let mine = refs::reported(turn, after.id).await?;
    // A picture is often followed by a word about it, and a word by a picture.
    if let Some(mine) = mine {
        leave(turn, &after, Target::Reporter(mine.id), ("add", true), turn.now + MORE_FOLLOWS)?;
    }
    let reply = Reply::both(
        wording::word_from_reporter(&after.short()),
        wording::added_to_staff(&show::label(&after, turn.actor.directory()), &said.open, what.media.len()),
    );
    tell_whoever_has_it(turn, &after, Class::Batch, reply);
    Ok(wording::added(&show::here(turn, &after)).into())
}

/// What the dialog of 撤回 must be given: who has to agree: nobody, intake, or the inspectors.
///
/// # Errors
/// Those of the database.
pub async fn withdraw_needs(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Answers> {
    let mut given = Answers::new();
    if answers.contains_key("ticket") {
        let tickets = super::tickets(turn, answers).await?;
        let consent = match tickets.iter().find(|ticket| When::NeedsConsent.holds(ticket)) {
            Some(ticket) if ticket.sealed != Sealed::Open => "sealed",
            Some(_) => "yes",
            None => "no",
        };
        given.insert("consent".into(), Value::key(consent, "").into());
    }
    Ok(given)
}

/// 撤回. Of an accusation and of what is urgent or sealed intake has to agree first.
pub(super) async fn withdraw(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    if store::reporters(turn.tx, ticket.id).await?.len() > 1 {
        return Err(Error::user(wording::same::others_too()));
    }
    if When::NeedsConsent.holds(&ticket)
        && let Some(mine) = refs::reported(turn, ticket.id).await?
    {
        return ask_consent(turn, ticket, mine.holder).await;
    }
    let after = change(turn, &ticket, Change::of(Verb::Withdraw), |_| {}).await?;
    close_offers(turn.tx, after.id, &[]).await?;
    let text = wording::withdrawn(&show::group_label(&after, turn.actor.directory()));
    if after.unit.is_some() && ticket.state != State::SentBack {
        super::tell_handler(turn, &after, Class::Batch, text.clone().into());
    }
    match group::with_deputy(turn.actor.directory(), &ticket, turn.now) {
        Some(deputy) => super::tell_person(turn, &after, deputy, text.into()),
        None => super::tell_role(turn, &after, Role::Intake, Class::Batch, text.into()),
    }
    let extra = if after.restored { String::new() } else { terms::restore_hint(after.typed()) };
    Ok(wording::done(Verb::Withdraw, &show::here(turn, &after), &extra).into())
}

/// The wish to withdraw waits for intake.
async fn ask_consent(turn: &mut Turn<'_, Actor>, ticket: Ticket, holder: String) -> Result<Reply> {
    super::agree::somebody_else(turn, &ticket, Role::Intake)?;
    let proposal = Proposal {
        matter: Matter::Withdraw,
        by: Voice { holder, role: "reporter".to_owned() },
        agreed: Vec::new(),
        words: String::new(),
        until: None,
    };
    let after =
        change(turn, &ticket, Change::of(Verb::Withdraw).leading(To::Same), |ticket| ticket.proposal = Some(proposal.clone()))
            .await?;
    let directory = turn.actor.office.directory.clone();
    let reply = Reply::both(
        terms::withdraw_asked(&show::group_label(&after, &directory), after.typed()),
        terms::withdraw_asked(&show::label(&after, &directory), after.typed()),
    );
    super::tell_role(turn, &after, Role::Intake, Class::Now, reply);
    Ok(terms::withdraw_passed_on(&show::here(turn, &after), wording::decider(&after)).into())
}

/// 催办.
pub(super) async fn urge(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    let now = turn.now;
    let mine = refs::reported(turn, ticket.id).await?.is_some();
    let as_staff = refs::permitted(&turn.actor, &ticket, Verb::Urge, false).is_some();
    if let Some(last) = ticket.urged_at.filter(|last| mine && !as_staff && now < last + URGE_EVERY) {
        return Err(Error::user(wording::urged_lately(last + URGE_EVERY, now)));
    }
    let after = change(turn, &ticket, Change::of(Verb::Urge), |ticket| {
        ticket.urges += 1;
        if mine {
            ticket.urged_at = Some(now);
        }
    })
    .await?;
    let who = wording::who_urges(mine && !as_staff);
    let directory = turn.actor.office.directory.clone();
    let reply = Reply::both(
        wording::urged(&show::group_label(&after, &directory), who, after.state),
        wording::urged(&show::label(&after, &directory), who, after.state),
    );
    tell_whoever_has_it(turn, &after, Class::Now, reply);
    super::joint::urge(turn, &after).await?;
    if after.urges >= OFTEN {
        super::supervise::urged_often(turn, &after);
    }
    Ok(wording::urge_passed_on(&show::here(turn, &after)).into())
}

/// 怎么样了, with what the person chose.
pub(super) async fn how(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Submitted> {
    let mut given = Answers::new();
    match super::key(answers, "next").as_str() {
        "other" => return Ok(Submitted::Then("report", given)),
        "add" => {
            given.extend(answers.get("ticket").map(|ticket| ("ticket".to_owned(), ticket.clone())));
            return Ok(Submitted::Then("add", given));
        }
        next => {
            let mut tickets = super::tickets(turn, answers).await?;
            let ticket = tickets.pop().ok_or_else(|| Error::fault("怎么样了 without a ticket"))?;
            let reply = if next == "urge" { urge(turn, ticket).await? } else { status(turn, ticket).await? };
            turn.say(reply);
        }
    }
    Ok(Submitted::Done(Vec::new()))
}

/// 查: the timeline, with what this person may see in this chat.
pub(super) async fn status(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    let mine = refs::reported(turn, ticket.id).await?;
    let staff = refs::permitted(&turn.actor, &ticket, Verb::Status, false).is_some();
    super::answer_namelessly(turn, mine.as_ref());
    if mine.is_none() && !staff {
        return Err(Error::user(wording::unknown_number(&ticket.short())));
    }
    if staff {
        looks::record(turn, &ticket).await?;
    }
    let full = if staff { show::for_staff(turn, &ticket).await? } else { show::for_reporter(turn, &ticket).await? };
    if !turn.in_group() {
        return Ok(full);
    }
    let person = turn.actor.person;
    turn.say_privately(person, full);
    let directory = turn.actor.office.directory.clone();
    let text = wording::rest_in_private(&show::group_label(&ticket, &directory), ticket.state);
    Ok(show::group_card("工单", &ticket, &directory, turn.now, text, &[]))
}

/// 查 with a query code of eight digits, for anybody; five wrong ones an hour. `None`: the words are no code.
///
/// # Errors
/// Those of the database.
pub async fn by_query_code(turn: &mut Turn<'_, Actor>, words: &str) -> Result<Option<String>> {
    let digits: String = words.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    if turn.in_group() {
        return Ok(Some(wording::secrecy::code_in_private().to_owned()));
    }
    let now = turn.now;
    let keys = turn.actor.office.keys.clone();
    let guesser = turn.actor.nameless_holder();
    if codes::guessed_too_often(turn.tx, &guesser, now).await? {
        return Ok(Some(wording::too_many_codes().to_owned()));
    }
    let look = store::Look { query_code: Some(keys.hash("query", &digits)), ..store::Look::default() };
    match store::find(turn.tx, &look).await?.pop() {
        Some(ticket) => Ok(Some(show::for_reporter(turn, &ticket).await?.text)),
        None => {
            codes::guessed_wrong(turn.tx, &guesser, now).await?;
            Ok(Some(wording::unknown_code().to_owned()))
        }
    }
}
