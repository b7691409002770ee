//! The use cases. Each gets the turn, checks the right, applies the life cycle, and collects events and messages; none
//! begins or ends a transaction.

mod agree;
mod appeal;
mod callback;
mod deputy;
mod dispute;
mod fix;
mod handover;
mod intake;
mod joint;
mod merge;
mod outcome;
mod photos;
mod report;
mod reporter;
mod reveal;
mod same;
mod sealed;
mod split;
mod spot;
mod suggest;
mod supervise;
mod terms;
mod trial;
mod undo;
mod work;

pub use appeal::unreasonable_claim;
pub use callback::{callback_needs, how_to_reach, tries};
pub use dispute::above;
pub use handover::{hand_over, in_hand};
pub use intake::{subject_answer, unit_needs};
pub use joint::{helper_lines, helping};
pub use merge::merge_needs;
pub use outcome::{rate_answer, rate_needs, rating_open};
pub use report::{kind_of, more_needs, title_of};
pub use reporter::{by_query_code, withdraw_needs};
pub use same::same_items;
pub use sealed::{brought, nobody_inspects};
pub use split::matters_rule;
pub use spot::{checkers, verify_needs};
pub use suggest::{
    choices as suggestion_choices, draft as suggestion_draft, mine as my_suggestions, moves as suggestion_moves,
    named as suggestion_named,
};
pub use supervise::demand;
pub use undo::undo;
pub use work::{finish_needs, finish_result};

use super::{
    Mode, Sealed, State, Ticket, columns, kept,
    life::{self, To, Verb, Who},
    refs, show,
    store::{self, At, By, Event, Reporter},
    together, wording,
};
use crate::{
    bot::{
        Offer, Submitted, Turn,
        dialog::{Account, Answers, Value, account, key, text},
    },
    error::{Error, Result},
    media,
    message::{Millis, Reply},
    outbox::{Class, Push, Target},
    people::{Actor, Role},
};
use std::{borrow::Cow, collections::BTreeSet};

/// The actions that dialog files may name.
pub const ACTIONS: &[&str] = &[
    "tickets.submit",
    "tickets.submit_for",
    "tickets.same",
    "tickets.accuse",
    "tickets.details",
    "tickets.human",
    "tickets.add",
    "tickets.accept",
    "tickets.reject",
    "tickets.ask",
    "tickets.assign",
    "tickets.redispatch",
    "tickets.subject",
    "tickets.sign",
    "tickets.sendback",
    "tickets.note",
    "tickets.contact",
    "tickets.give",
    "tickets.relay",
    "tickets.finish",
    "tickets.signoff",
    "tickets.redo",
    "tickets.pass",
    "tickets.rate",
    "tickets.rate_answer",
    "tickets.reopen",
    "tickets.withdraw",
    "tickets.urge",
    "tickets.status",
    "tickets.how",
    "tickets.fix",
    "tickets.appeal",
    "tickets.handover",
    "tickets.arbitrate",
    "tickets.join",
    "tickets.opinion",
    "tickets.extend",
    "tickets.extend_ok",
    "tickets.extend_no",
    "tickets.shelve",
    "tickets.resume",
    "tickets.callback",
    "tickets.verify",
    "tickets.check",
    "tickets.unreasonable",
    "tickets.restore",
    "tickets.agree",
    "tickets.disagree",
    "tickets.answer",
    "tickets.reveal",
    "tickets.merge",
    "tickets.unmerge",
    "tickets.split",
    "tickets.raise",
    "tickets.forward",
    "tickets.supervise",
    "tickets.to_suggestion",
    "tickets.suggestion",
    "tickets.try",
    "tickets.photos",
];

/// Runs an action of a finished dialog or command.
///
/// # Errors
/// [`Error::User`] with what would be right; otherwise those of the database.
pub async fn submit(turn: &mut Turn<'_, Actor>, action: &str, answers: &Answers) -> Result<Submitted> {
    if !matches!(action, "status" | "how" | "try") {
        hold(turn, answers).await?;
    }
    match action {
        "submit" => report::submit(turn, answers, false).await,
        "submit_for" => report::submit(turn, answers, true).await,
        "same" => same::answered(turn, answers).await,
        "accuse" => sealed::accuse(turn, answers).await,
        "details" => report::details(turn, answers).await,
        "human" => report::human(turn, answers).await,
        "rate" => outcome::rate(turn, answers).await,
        "finish" => work::finish(turn, answers).await,
        "how" => reporter::how(turn, answers).await,
        "callback" => callback::callback(turn, answers).await,
        "merge" => merge::merge(turn, answers).await,
        "to_suggestion" => suggest::to_suggestion(turn, answers).await,
        "suggestion" => suggest::go_on(turn, answers).await,
        "photos" => photos::photos(turn, answers).await,
        "try" => trial::trial(turn, answers).await,
        _ => {
            let tickets = tickets(turn, answers).await?;
            run(turn, action, tickets, answers).await
        }
    }
}

/// Does the same to each of these tickets: one answer, with a line for each when there are several.
///
/// # Errors
/// A sentence, when a single one does not work; those of the database.
pub(in crate::tickets) async fn run(
    turn: &mut Turn<'_, Actor>,
    action: &str,
    tickets: Vec<Ticket>,
    answers: &Answers,
) -> Result<Submitted> {
    let many = tickets.len() > 1;
    let mut lines: Vec<Reply> = Vec::new();
    for ticket in tickets {
        match one(turn, action, ticket, answers).await {
            Ok(reply) => lines.push(reply),
            // Of several, one that does not work does not stop the others; it has its own line.
            Err(Error::User(sentence)) if many => lines.push(sentence.into()),
            Err(error) => return Err(error),
        }
    }
    if many {
        let text: Vec<String> = lines.into_iter().map(|line| line.text).collect();
        turn.say(text.join("\n"));
    } else {
        lines.into_iter().for_each(|line| turn.say(line));
    }
    Ok(Submitted::Done(Vec::new()))
}

async fn one(turn: &mut Turn<'_, Actor>, action: &str, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let ticket = match action {
        // What reporters of a merged ticket say is for the one it is handled with.
        "add" | "urge" | "relay" => merge::leading(turn, ticket).await?,
        _ => ticket,
    };
    match action {
        "add" => reporter::add(turn, ticket, answers).await,
        "accept" => intake::accept(turn, ticket).await,
        "reject" => intake::reject(turn, ticket, answers).await,
        "ask" => intake::ask(turn, ticket, answers).await,
        "assign" => intake::assign(turn, ticket, answers).await,
        "redispatch" => intake::redispatch(turn, ticket, answers).await,
        "sign" => work::sign(turn, ticket).await,
        "sendback" => work::send_back(turn, ticket, answers).await,
        "note" => work::note(turn, ticket, answers).await,
        "contact" => work::contact(turn, ticket, answers).await,
        "give" => work::give(turn, ticket, answers).await,
        "relay" => work::relay(turn, ticket, answers).await,
        "signoff" => outcome::sign_off(turn, ticket).await,
        "redo" => outcome::redo(turn, ticket, answers).await,
        "pass" => outcome::pass(turn, ticket).await,
        "reopen" => outcome::reopen(turn, ticket, &text(answers, "reason")).await,
        "withdraw" if ticket.state == State::Merged => merge::withdraw(turn, ticket).await,
        "withdraw" => reporter::withdraw(turn, ticket).await,
        "urge" => reporter::urge(turn, ticket).await,
        "status" => reporter::status(turn, ticket).await,
        "fix" => fix::fix(turn, ticket, answers).await,
        "appeal" => appeal::appeal(turn, ticket, answers).await,
        "handover" => dispute::handover(turn, ticket, answers).await,
        "arbitrate" => dispute::arbitrate(turn, ticket, answers).await,
        "join" => joint::join(turn, ticket, answers).await,
        "opinion" => joint::opinion(turn, ticket, answers).await,
        "extend" => terms::extend(turn, ticket, answers).await,
        "extend_ok" => terms::extend_ok(turn, ticket, answers).await,
        "extend_no" => terms::extend_no(turn, ticket, answers).await,
        "shelve" => terms::shelve(turn, ticket, answers).await,
        "resume" => terms::resume(turn, ticket, answers).await,
        "verify" => spot::verify(turn, ticket, answers).await,
        "check" => spot::check(turn, ticket, answers).await,
        "unreasonable" => appeal::unreasonable(turn, ticket, answers).await,
        "restore" => appeal::restore(turn, ticket, answers).await,
        "agree" => agree::agree(turn, ticket, answers).await,
        "disagree" => agree::disagree(turn, ticket, answers).await,
        "answer" => supervise::answer(turn, ticket, answers).await,
        "reveal" => reveal::reveal(turn, ticket, answers).await,
        "unmerge" => merge::unmerge(turn, ticket).await,
        "split" => split::split(turn, ticket, answers).await,
        "forward" => deputy::forward(turn, ticket).await,
        "supervise" => supervise::supervise(turn, ticket, answers).await,
        "raise" => dispute::raise(turn, ticket, answers).await,
        other => Err(Error::fault(format!("no ticket action is called {other}"))),
    }
}

pub(super) use intake::{assign_to, names};

/// Why a command on this ticket would come to nothing, as far as that can be told before its questions are asked.
///
/// # Errors
/// Those of the database.
pub async fn in_vain(turn: &mut Turn<'_, Actor>, verb: Verb, ticket: &Ticket) -> Result<Option<String>> {
    Ok(match verb {
        Verb::Contact if ticket.mode != Mode::RealName => Some(wording::contact_through_bot(ticket.typed())),
        Verb::Done => joint::awaited(turn, ticket).await?,
        Verb::Raise => dispute::nothing_above(turn.actor.directory(), ticket),
        Verb::Extend => terms::room_now(ticket, turn.now).err(),
        Verb::Rate => outcome::no_more_rating(turn, ticket).await?,
        Verb::Unreasonable => appeal::no_claim(turn, ticket).await?,
        Verb::Callback => callback::not_by_you(turn, ticket).await?,
        Verb::Verify => spot::may_not_verify(turn, ticket).await?,
        _ => None,
    })
}

/// Keeps others from changing the tickets that the answers name before this turn has done so: whether an opinion is still
/// awaited or a rating was given is read beside the ticket, where the guard of [`change`] does not see it.
async fn hold(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<()> {
    let named = ["ticket", "leader", "which"].into_iter().filter_map(|step| answers.get(step)?.value());
    // Always in the same order, so that two who hold several do not wait for each other.
    let ids: BTreeSet<i64> = named.flat_map(Value::keys).filter_map(|key| key.parse().ok()).collect();
    for id in ids {
        store::hold(turn.tx, id).await?;
    }
    Ok(())
}

/// The tickets that the `ticket` step names.
async fn tickets(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Vec<Ticket>> {
    let keys = answers.get("ticket").and_then(|answer| answer.value()).map(Value::keys).unwrap_or_default();
    let mut tickets = Vec::with_capacity(keys.len());
    for key in keys {
        let id = key.parse().map_err(|_| Error::fault("a ticket step holds no id"))?;
        tickets.extend(store::by_id(turn.tx.conn(), id).await?);
    }
    if tickets.is_empty() {
        return Err(Error::fault("a ticket step names no ticket"));
    }
    Ok(tickets)
}

/// The answer that names a ticket, for a dialog that is about it.
pub(crate) fn about(ticket: &Ticket) -> Answers {
    [("ticket".to_owned(), Value::key(ticket.id.to_string(), ticket.short()).into())].into_iter().collect()
}

/// Leaves a question about the ticket.
fn leave(
    turn: &mut Turn<'_, Actor>,
    ticket: &Ticket,
    target: Target,
    (dialog, optional): (&'static str, bool),
    expires_at: Millis,
) -> Result<()> {
    turn.offer(Offer { target, dialog, preset: about(ticket), ticket: ticket.id, urgent: ticket.urgent(), optional, expires_at })
}

/// Gives the files of an account to a ticket.
async fn attach(turn: &mut Turn<'_, Actor>, account: &Account, ticket: i64) -> Result<()> {
    media::attach(turn.tx, &account.files(), ticket).await
}

/// Something that happens to a ticket.
struct Change<'a> {
    verb: Verb,
    reason: Option<&'a str>,
    payload: Option<&'a str>,
    visible: &'static str,
    accepts: bool,
    aside: Option<&'a str>,
    to: Option<To>,
}

impl<'a> Change<'a> {
    fn of(verb: Verb) -> Self {
        Change { verb, reason: None, payload: None, visible: "all", accepts: false, aside: None, to: None }
    }

    /// The same command also accepts the ticket, when `yes`: the history tells of that first.
    fn accepting(self, yes: bool) -> Self {
        Change { accepts: yes, ..self }
    }

    /// Words that only staff may read beside a change that everybody sees: an event of their own.
    fn aside(self, words: &'a str) -> Self {
        Change { aside: Some(words).filter(|words| !words.is_empty()), ..self }
    }

    fn because(self, reason: &'a str) -> Self {
        Change { reason: Some(reason).filter(|reason| !reason.is_empty()), ..self }
    }

    fn with(self, payload: &'a str) -> Self {
        Change { payload: Some(payload), ..self }
    }

    /// The whole of words of which `because` holds what a unit may read.
    fn sealing(self, original: &'a Option<String>) -> Self {
        Change { payload: original.as_deref().or(self.payload), ..self }
    }

    /// Only intake, and whoever reported, see it.
    fn of_centre(self) -> Self {
        Change { visible: show::OF_CENTRE, ..self }
    }

    fn internal(self) -> Self {
        Change { visible: "staff", ..self }
    }

    /// Of the rows that fit, the one that leads here: for a command that can end in two ways.
    fn leading(self, to: To) -> Self {
        Change { to: Some(to), ..self }
    }
}

/// Applies the row of the table that lets this person do this now: checks the right, moves the state, lets `edit` set the rest,
/// writes guarded by the history it starts from, and adds the event. A row that leads back leaves the state to `edit`.
///
/// Somebody else may have done something since the ticket was read. What did not move the ticket, a note for example, is no
/// reason to refuse: the row is applied to the ticket as it is now.
async fn change(turn: &mut Turn<'_, Actor>, before: &Ticket, what: Change<'_>, edit: impl Fn(&mut Ticket)) -> Result<Ticket> {
    let mine = if life::by_reporter(what.verb) { refs::reported(turn, before.id).await? } else { None };
    let events = 1 + i64::from(what.accepts) + i64::from(what.aside.is_some());
    if before.appealed && before.state == State::Submitted && matches!(what.verb, Verb::Accept | Verb::Reject | Verb::Assign) {
        appeal::by_somebody_else(turn, before, what.verb).await?;
    }
    let mut before = Cow::Borrowed(before);
    let (who, replaced, after) = loop {
        let found = refs::permitted_to(&turn.actor, &before, what.verb, what.to, mine.is_some());
        let Some((row, who)) = found else {
            let reported = refs::reported(turn, before.id).await?.is_some();
            return Err(Error::user(refs::refusal(&turn.actor, &before, what.verb, reported)));
        };
        let mut after = before.clone().into_owned();
        if let To::State(to) = row.to {
            after.state = to;
        }
        edit(&mut after);
        life::let_go(&mut after);
        // An edit may put a whole earlier ticket in place; the counts of the row stay its own.
        (after.version, after.events) = (before.version, before.events);
        merge::may_end(turn, &before, after.state).await?;
        let replaced = columns::replaced(&columns::changed(&before, &after));
        if store::update(turn.tx, &before, &mut after, events).await? {
            break (who, replaced, after);
        }
        match store::by_id(turn.tx.conn(), before.id).await? {
            Some(present) if (present.state, present.version) == (before.state, before.version) => {
                before = Cow::Owned(present);
            }
            present => return Err(Error::user(wording::too_late(present.as_ref().unwrap_or(&before)))),
        }
    };
    let keys = turn.actor.office.keys.clone();
    let at = At { ticket: before.id, seq: after.events - i64::from(what.aside.is_some()), turn_key: turn.key, now: turn.now };
    let mut from = before.state;
    if what.accepts {
        let event = Event { from: Some(from), ..Event::of(Verb::Accept, State::Accepted) };
        let by = By { person: Some(turn.actor.person), role: Role::Intake.as_str() };
        store::event(turn.tx, &keys, At { seq: at.seq - 1, ..at }, by, event).await?;
        from = State::Accepted;
    }
    let by = by(turn, who);
    if by.person.is_none() {
        // Of what somebody does in office the event names him: under the entry, the answer would tell who the reporter is.
        answer_namelessly(turn, mine.as_ref());
    }
    // The words of somebody who reported another ticket that is part of this one are for staff alone, as hidden as that person.
    let aside = mine.filter(|mine| by.role == "reporter" && mine.ticket != before.id && what.reason.is_some());
    let hidden = aside.as_ref().and_then(|mine| Some(kept::for_unit(what.reason?, mine.mode, &kept::own_names(turn, None))));
    let reason = kept::beside(&keys, &after, hidden.as_deref().or(what.reason))?;
    let replaced = kept::beside(&keys, &after, replaced.as_deref())?.map(Cow::into_owned);
    let event = Event {
        verb: what.verb,
        from: Some(from),
        to: after.state,
        reason: reason.as_deref(),
        payload: what.payload,
        visible: if aside.is_some() { "staff" } else { what.visible },
        before: replaced,
    };
    store::event(turn.tx, &keys, at, by, event).await?;
    if let Some(aside) = what.aside {
        let aside = kept::beside(&keys, &after, Some(aside))?;
        let (from, reason) = (Some(after.state), aside.as_deref());
        let event = Event { from, reason, visible: "staff", ..Event::of(what.verb, after.state) };
        store::event(turn.tx, &keys, At { seq: after.events, ..at }, by, event).await?;
    }
    Ok(after)
}

/// Writes a change that follows from another one or is commanded outside of the table, so that no right is asked for, with its
/// event. `None`: somebody did something since the ticket was read.
async fn record(
    turn: &mut Turn<'_, Actor>,
    before: &Ticket,
    mut after: Ticket,
    by: By,
    event: Event<'_>,
) -> Result<Option<Ticket>> {
    let keys = turn.actor.office.keys.clone();
    let replaced = columns::replaced(&columns::changed(before, &after));
    if !store::update(turn.tx, before, &mut after, 1).await? {
        return Ok(None);
    }
    let replaced = kept::beside(&keys, &after, replaced.as_deref())?.map(Cow::into_owned);
    let at = At { ticket: after.id, seq: after.events, turn_key: turn.key, now: turn.now };
    store::event(turn.tx, &keys, at, by, Event { from: Some(before.state), before: replaced, ..event }).await?;
    Ok(Some(after))
}

/// What an anonymous reporter is told about the ticket is recorded under the entry, so that no row leads from it to the chat.
fn answer_namelessly(turn: &mut Turn<'_, Actor>, mine: Option<&Reporter>) {
    if let Some(mine) = mine.filter(|mine| mine.mode == Mode::Anonymous && !turn.in_group()) {
        turn.answer_as(Target::Reporter(mine.id));
    }
}

/// The answer to whoever did something. In a group it brings the ticket's card, so that the card shown there before keeps up.
fn answer(turn: &Turn<'_, Actor>, verb: Verb, after: &Ticket, extra: &str) -> Reply {
    let text = wording::done(verb, &show::here(turn, after), extra);
    if turn.in_group() {
        show::group_card("工单", after, turn.actor.directory(), turn.now, text, &["看"])
    } else {
        text.into()
    }
}

/// An event's actor: somebody in office by id, a reporter never.
fn by(turn: &Turn<'_, Actor>, who: Who) -> By {
    match who {
        Who::Reporter | Who::Anybody => By { person: None, role: "reporter" },
        Who::Holder(role) | Who::OnlyHolder(role) => By { person: Some(turn.actor.person), role: role.as_str() },
        Who::CoLiaison => By { person: Some(turn.actor.person), role: Role::Liaison.as_str() },
        Who::ChosenDeputy => By { person: Some(turn.actor.person), role: Role::Deputy.as_str() },
        Who::IntakeAndDispatcher | Who::Arbiter => By { person: Some(turn.actor.person), role: Role::Dispatcher.as_str() },
        Who::StaffInScope => By { person: Some(turn.actor.person), role: "staff" },
        Who::Itself => By { person: None, role: "itself" },
        Who::Clock => By { person: None, role: "clock" },
    }
}

/// Tells the unit: its liaisons, and the person who handles the ticket.
fn tell_unit(turn: &mut Turn<'_, Actor>, ticket: &Ticket, class: Class, reply: Reply) {
    if handler(turn, ticket).is_some_and(|handler| handler != turn.actor.person) {
        tell_handler(turn, ticket, class, reply.clone());
    }
    tell_role(turn, ticket, Role::Liaison, class, reply);
}

/// Sends a message about the ticket.
fn push(turn: &mut Turn<'_, Actor>, ticket: &Ticket, target: Target, class: Class, reply: Reply) {
    turn.push(Push { target, ticket: Some(ticket.id), class, reply, except: None, urgent: ticket.urgent() });
}

/// Tells one person in private.
fn tell_person(turn: &mut Turn<'_, Actor>, ticket: &Ticket, person: i64, reply: Reply) {
    if person != turn.actor.person {
        push(turn, ticket, Target::Person(person), Class::Now, reply.in_private());
    }
}

/// Tells everybody who reported the ticket, or one that is handled as part of it, except the sender of this turn.
async fn tell_reporters(turn: &mut Turn<'_, Actor>, ticket: &Ticket, reply: Reply) -> Result<Vec<Reporter>> {
    let mine = turn.actor.holders();
    let mut told: Vec<Reporter> = Vec::new();
    for (reporter, of) in together::reporters(turn.tx, ticket.id).await? {
        if mine.contains(&reporter.holder) || told.iter().any(|known| known.holder == reporter.holder) {
            continue;
        }
        let reply = match of {
            Some(seq) => Reply { text: wording::merging::with_leader(seq, ticket.seq, &reply.text), ..reply.clone() },
            None => reply.clone(),
        };
        push(turn, ticket, Target::Reporter(reporter.id), Class::Now, reply);
        told.push(reporter);
    }
    Ok(told)
}

/// Tells the holders of a role, in the ticket's unit where the role belongs to one. `reply` must be fit for a group; what only a
/// private chat may read stands in its `private`.
fn tell_role(turn: &mut Turn<'_, Actor>, ticket: &Ticket, role: Role, class: Class, reply: Reply) {
    let unit = matches!(role, Role::Liaison | Role::Handler | Role::UnitLeader).then(|| ticket.unit.clone()).flatten();
    tell_role_of(turn, ticket, role, unit, class, reply);
}

fn tell_role_of(turn: &mut Turn<'_, Actor>, ticket: &Ticket, role: Role, unit: Option<String>, class: Class, reply: Reply) {
    let class = if ticket.urgent() { Class::Now } else { class };
    if ticket.sealed != Sealed::Open {
        // Whatever is sealed goes to each inspector in private, who do everybody's work on it: to no group, and no row names the place.
        let inspectors = refs::inspectors(turn.actor.directory(), &ticket.area, ticket.sealed);
        let others: Vec<i64> = inspectors.iter().map(|staff| staff.id).filter(|id| *id != turn.actor.person).collect();
        for id in others {
            push(turn, ticket, Target::Person(id), class, reply.clone().in_private());
        }
        return;
    }
    turn.push(Push {
        target: Target::Role { role: role.as_str().to_owned(), area: ticket.area.clone(), unit },
        ticket: Some(ticket.id),
        class,
        reply,
        except: Some(turn.actor.person),
        urgent: ticket.urgent(),
    });
}

/// Who handles the ticket, while he is in the unit: a ticket that was over, or part of another, when he left still bears his name.
fn handler(turn: &Turn<'_, Actor>, ticket: &Ticket) -> Option<i64> {
    let directory = turn.actor.directory();
    ticket.handler.filter(|person| directory.staff(*person).is_some_and(|staff| refs::is_of_unit(directory, staff, ticket)))
}

/// Tells the person who handles the ticket, or the liaison while nobody does.
fn tell_handler(turn: &mut Turn<'_, Actor>, ticket: &Ticket, class: Class, reply: Reply) {
    match handler(turn, ticket) {
        Some(handler) if handler != turn.actor.person && ticket.sealed == Sealed::Open => {
            let class = if ticket.urgent() { Class::Now } else { class };
            push(turn, ticket, Target::Person(handler), class, reply.in_private());
        }
        _ => tell_role(turn, ticket, Role::Liaison, class, reply),
    }
}

/// The name of the sender's unit for the ticket, as the reporter may read it.
fn unit_name(turn: &Turn<'_, Actor>, ticket: &Ticket) -> String {
    show::unit(ticket, turn.actor.directory()).unwrap_or(wording::CENTRE).to_owned()
}

/// The name of whoever acts, as it may be told to anybody.
fn my_name(turn: &Turn<'_, Actor>) -> String {
    turn.actor.directory().staff(turn.actor.person).map_or(wording::COLLEAGUE, |staff| staff.name.as_str()).to_owned()
}
