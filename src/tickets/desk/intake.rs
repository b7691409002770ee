//! Intake and dispatch: 受理, 不予受理, 追问, 派单, 改派.

use super::{Change, change, key, tell_reporters, tell_role, tell_role_of, text, unit_name};
use crate::{
    bot::{
        Offer, Turn, close_offers,
        dialog::{Answers, Value},
    },
    clock::DAY,
    error::{Error, Result},
    message::{Millis, Reply},
    outbox::{Class, Target},
    people::{Actor, GroupOf, Role, may_be_only_unit},
    tickets::{
        Mode, Sealed, State, Ticket,
        calendar::{self, Clock},
        life::Verb,
        refs::scope_of,
        show, wording,
    },
};

/// An unanswered question waits this long.
const QUESTION_WAITS: Millis = 10 * DAY;

/// 受理.
pub(super) async fn accept(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    if ticket.sealed != Sealed::Open {
        return super::sealed::accept(turn, ticket).await;
    }
    let now = turn.now;
    let after = change(turn, &ticket, Change::of(Verb::Accept), |ticket| accepted(ticket, now)).await?;
    let office = turn.actor.office.clone();
    let proposal = office.directory.propose(&after.text, after.field.as_deref(), &after.area);
    let proposal = proposal.as_ref().map(|proposal| (proposal.unit.name.as_str(), proposal.reason.as_str()));
    let label = show::label(&after, &office.directory);
    let reply = Reply {
        text: wording::new_for_dispatch(&show::group_label(&after, &office.directory), after.seq, proposal),
        private: Some(wording::new_for_dispatch(&label, after.seq, proposal)),
        ..Reply::default()
    };
    tell_role(turn, &after, Role::Dispatcher, Class::Batch, reply);
    Ok(wording::done(Verb::Accept, &show::here(turn, &after), "").into())
}

fn accepted(ticket: &mut Ticket, now: Millis) {
    ticket.dispatch_due = Some(calendar::due(now, calendar::limit(Clock::Dispatch, ticket.kind, ticket.priority)));
}

/// 不予受理, with the lawful way named.
pub(super) async fn reject(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let code = key(answers, "reason");
    let reason = wording::rejection(&code).ok_or_else(|| Error::fault("an unknown reason for rejection"))?;
    let note = text(answers, "note");
    let after = change(turn, &ticket, Change::of(Verb::Reject).because(reason.why).with(&code), |_| {}).await?;
    close_offers(turn.tx, after.id, &[]).await?;
    let label = show::label(&after, turn.actor.directory());
    let note = Some(note.as_str()).filter(|note| !note.is_empty());
    tell_reporters(turn, &after, wording::reporter_rejected(&label, reason, note).into()).await?;
    Ok(wording::done(Verb::Reject, &show::here(turn, &after), "").into())
}

/// 追问, by intake before 受理 and by the unit while it works.
pub(super) async fn ask(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    if ticket.state == State::Submitted && ticket.asks >= 2 {
        return Err(Error::user(wording::asked_enough()));
    }
    let question = text(answers, "question");
    let now = turn.now;
    let by_unit = ticket.state == State::Working;
    let after = change(turn, &ticket, Change::of(Verb::Ask).because(&question), |ticket| {
        ticket.asks += 1;
        // Only a question that reaches the reporter counts as contact where the unit may not call.
        if by_unit && ticket.mode != Mode::RealName {
            ticket.first_contact_at.get_or_insert(now);
        }
    })
    .await?;
    let from = if by_unit || after.sealed != Sealed::Open { unit_name(turn, &after) } else { wording::INTAKE.to_owned() };
    let label = show::label(&after, turn.actor.directory());
    let asked = tell_reporters(turn, &after, wording::question(&label, &from, &question).into()).await?;
    for reporter in asked {
        leave(turn, &after, Target::Reporter(reporter.id), ("add", false), now + QUESTION_WAITS)?;
    }
    Ok(wording::asked(&show::here(turn, &after)).into())
}

/// Leaves a question about the ticket, with the ticket given.
pub(super) fn leave(
    turn: &mut Turn<'_, Actor>,
    ticket: &Ticket,
    target: Target,
    (dialog, optional): (&'static str, bool),
    expires_at: Millis,
) -> Result<()> {
    let mut preset = Answers::new();
    preset.insert("ticket".into(), Value::key(ticket.id.to_string(), ticket.short()).into());
    turn.offer(Offer { target, dialog, preset, ticket: ticket.id, urgent: ticket.urgent(), optional, expires_at })
}

/// 派单.
pub(super) async fn assign(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let unit = key(answers, "unit");
    let subject = (key(answers, "subject") == "yes").then_some(unit.as_str());
    if !may_be_only_unit(subject, &[&unit]) {
        return Err(Error::user(wording::conflict(&ticket.short())));
    }
    assign_to(turn, ticket, &unit, "").await
}

/// What the dialog of 派单 must be given: whether the words of a ticket name the unit, which then may be what they are about.
///
/// # Errors
/// Those of the database.
pub async fn assign_needs(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Answers> {
    let mut given = Answers::new();
    let unit = key(answers, "unit");
    if unit.is_empty() || !answers.contains_key("ticket") {
        return Ok(given);
    }
    let named = super::tickets(turn, answers).await?.iter().any(|ticket| names(turn, ticket, &unit));
    given.insert("mentioned".into(), Value::key(if named { "yes" } else { "no" }, "").into());
    Ok(given)
}

/// Do the ticket's words name this unit?
pub(in crate::tickets) fn names(turn: &Turn<'_, Actor>, ticket: &Ticket, unit: &str) -> bool {
    turn.actor.directory().units_in(&ticket.text).iter().any(|named| named.id == unit)
}

/// Gives a ticket to a unit; `reason` says why the rules proposed it.
///
/// # Errors
/// A sentence when the person may not or the ticket has moved on.
pub(in crate::tickets) async fn assign_to(turn: &mut Turn<'_, Actor>, ticket: Ticket, unit: &str, reason: &str) -> Result<Reply> {
    let (now, before_unit) = (turn.now, ticket.unit.clone());
    let directory = turn.actor.office.directory.clone();
    let Some(name) = directory.unit(unit).filter(|unit| !unit.retired).map(|unit| unit.name.clone()) else {
        return Err(Error::user(wording::unknown_unit(unit, None)));
    };
    let at_once = ticket.state == State::Submitted;
    let again = ticket.dispatched_at.is_some();
    let payload = unit.to_owned();
    let why = if reason.is_empty() { name.clone() } else { format!("{name}（{reason}）") };
    let after = change(turn, &ticket, Change::of(Verb::Assign).because(&why).with(&payload).accepting(at_once), |ticket| {
        if at_once {
            accepted(ticket, now);
        }
        dispatch(ticket, unit, now, again);
    })
    .await?;
    if let Some(old) = before_unit.filter(|old| old != unit) {
        let gone = wording::taken_away(&after.short(), &name);
        tell_role_of(turn, &after, Role::Liaison, Some(old), Class::Batch, gone.into());
    }
    tell_unit(turn, &after);
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, wording::reporter_assigned(&label, &name, after.resolve_due, now).into()).await?;
    let mut reply: Reply = wording::assigned(&show::here(turn, &after), &name, after.resolve_due, now).into();
    let shared = directory.bound_group(&GroupOf::Unit(unit.to_owned())).is_some();
    if !shared && directory.holders(Role::Liaison, scope_of(&after)).is_empty() {
        reply.text.push_str(wording::nobody_there());
    }
    Ok(reply)
}

/// 改派.
pub(super) async fn redispatch(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let (now, unit) = (turn.now, key(answers, "unit"));
    let directory = turn.actor.office.directory.clone();
    let Some(name) = directory.unit(&unit).map(|unit| unit.name.clone()) else {
        return Err(Error::user(wording::unknown_unit(&unit, None)));
    };
    if ticket.unit.as_deref() == Some(unit.as_str()) {
        return Err(Error::user(wording::there_already(&ticket.short(), &name)));
    }
    let reason = wording::unit_reason(&key(answers, "reason"));
    let old = ticket.unit.clone();
    let why = format!("{name}：{reason}");
    let after = change(turn, &ticket, Change::of(Verb::Redispatch).because(&why).with(&unit), |ticket| {
        dispatch(ticket, &unit, now, true);
    })
    .await?;
    tell_role_of(turn, &after, Role::Liaison, old, Class::Batch, wording::taken_away(&after.short(), &name).into());
    tell_unit(turn, &after);
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, wording::reporter_assigned(&label, &name, after.resolve_due, now).into()).await?;
    Ok(wording::assigned(&show::here(turn, &after), &name, after.resolve_due, now).into())
}

/// The clocks of a unit that gets the ticket. When it comes from another unit the result is due when it was.
fn dispatch(ticket: &mut Ticket, unit: &str, now: Millis, again: bool) {
    let due = |clock| Some(calendar::due(now, calendar::limit(clock, ticket.kind, ticket.priority)));
    let (sign, contact, resolve) = (due(Clock::Sign), due(Clock::Contact), due(Clock::Resolve));
    ticket.unit = Some(unit.to_owned());
    ticket.handler = None;
    ticket.signed_off = false;
    ticket.dispatched_at = Some(now);
    ticket.sign_due = sign;
    ticket.contact_due = contact;
    // A send-back was judged right when the dispatcher gives the ticket to somebody else, so the new unit gets its full time.
    if !again || ticket.send_backs > 0 || ticket.resolve_due.is_none() {
        ticket.resolve_due = resolve;
    }
}

fn tell_unit(turn: &mut Turn<'_, Actor>, ticket: &Ticket) {
    let directory = turn.actor.office.directory.clone();
    let text = wording::new_for_unit(&ticket.short(), &show::group_scope(ticket, &directory), ticket.resolve_due, turn.now);
    let reply = show::group_card("新工单", ticket, &directory, turn.now, text, &["签收", "不是我们的", "看"]);
    tell_role(turn, ticket, Role::Liaison, Class::Batch, reply);
}
