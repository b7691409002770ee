//! Intake and dispatch: 受理, 不予受理, 追问, 派单, 改派.

use super::{Change, change, dispute, joint, key, leave, my_name, tell_reporters, tell_role, tell_role_of, text, unit_name};
use crate::{
    bot::{
        Turn, close_offers,
        dialog::{Answers, Value},
    },
    clock::DAY,
    error::{Error, Result},
    message::{Millis, Reply},
    outbox::{Class, Target},
    people::{Actor, Directory, GroupOf, Role, Unit, may_be_only_unit},
    tickets::{
        Mode, Sealed, State, Ticket,
        calendar::Clock,
        co_units,
        life::Verb,
        refs::{self, scope_of},
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
    let reply = Reply::both(
        wording::new_for_dispatch(&show::group_label(&after, &office.directory), after.seq, proposal),
        wording::new_for_dispatch(&label, after.seq, proposal),
    );
    tell_role(turn, &after, Role::Dispatcher, Class::Batch, reply);
    Ok(wording::done(Verb::Accept, &show::here(turn, &after), "").into())
}

fn accepted(ticket: &mut Ticket, now: Millis) {
    // Whoever waited for a deputy in vain: it is the centre's now.
    ticket.given_to = None;
    ticket.dispatch_due = Some(ticket.due(Clock::Dispatch, now));
}

/// 不予受理, with the lawful way named.
pub(super) async fn reject(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let code = key(answers, "reason");
    let reason = wording::rejection(&code).ok_or_else(|| Error::fault("an unknown reason for rejection"))?;
    if code == "discipline" && dispute::has_inspector(turn.actor.directory(), &ticket) {
        return Err(Error::user(wording::joint::inspector_here(ticket.seq)));
    }
    let note = text(answers, "note");
    let after = change(turn, &ticket, Change::of(Verb::Reject).because(reason.why).with(&code), |_| {}).await?;
    close_offers(turn.tx, after.id, &[]).await?;
    let label = show::label(&after, turn.actor.directory());
    let note = Some(note.as_str()).filter(|note| !note.is_empty());
    let mut text = wording::reporter_rejected(&label, reason, note);
    if !after.appealed {
        text.push_str(&wording::terms::appeal_hint(after.typed(), wording::decider(&after)));
    }
    tell_reporters(turn, &after, text.into()).await?;
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
        // The unit may ask as often as it needs; a ticket that comes back to intake has its two questions still.
        ticket.asks += i64::from(!by_unit);
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

/// How a ticket is handed to a unit.
#[derive(Clone, Copy, Default)]
pub(super) struct Hand<'a> {
    /// The lead unit.
    pub unit: &'a str,
    /// Why the rules proposed it.
    pub reason: &'a str,
    /// Units that help from the beginning.
    pub helpers: &'a [String],
    /// Why it goes to the unit that it is about.
    pub overrule: &'a str,
}

impl<'a> Hand<'a> {
    /// To this unit, with nothing else said.
    pub(super) fn to(unit: &'a str) -> Self {
        Hand { unit, ..Hand::default() }
    }
}

/// What a unit can do with what it gets.
pub(super) const NEXT: &[&str] = &["签收", "不是我们的", "看"];

/// 派单.
pub(super) async fn assign(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let (unit, helpers, overrule) = (key(answers, "unit"), joint::chosen(answers, "co"), text(answers, "overrule"));
    let subject = subject(turn, &ticket, answers, &unit);
    hand(turn, ticket, subject, Hand { unit: &unit, helpers: &helpers, overrule: &overrule, ..Hand::default() }).await
}

/// The unit a ticket is about: known already, or answered now for a unit that its words name.
pub(super) fn subject(turn: &Turn<'_, Actor>, ticket: &Ticket, answers: &Answers, unit: &str) -> Option<String> {
    let answered = key(answers, "subject") == "yes" && names(turn, ticket, unit);
    ticket.subject.clone().or_else(|| answered.then(|| unit.to_owned()))
}

/// What the dialogs of 派单, 改派 and 裁定 must be given: whether the words of a ticket name the unit, which then may be what they are
/// about; whether it is about the unit, which then needs a reason; and who is one level up instead.
///
/// # Errors
/// Those of the database.
pub async fn unit_needs(turn: &mut Turn<'_, Actor>, answers: &Answers) -> Result<Answers> {
    let mut given = Answers::new();
    let unit = key(answers, "unit");
    if unit.is_empty() || !answers.contains_key("ticket") {
        return Ok(given);
    }
    let tickets = super::tickets(turn, answers).await?;
    let directory = turn.actor.office.directory.clone();
    let helpers = joint::chosen(answers, "co");
    let hand = Hand { helpers: &helpers, ..Hand::to(&unit) };
    let named = tickets.iter().any(|ticket| ticket.subject.is_none() && names(turn, ticket, &unit));
    let conflict = tickets.iter().find(|ticket| !may_handle(ticket, hand, subject(turn, ticket, answers, &unit).as_deref()));
    given.insert("mentioned".into(), Value::yes_or_no(named).into());
    given.insert("conflict".into(), Value::yes_or_no(conflict.is_some()).into());
    let instead = conflict.and_then(|ticket| dispute::above(&directory, ticket, Some(&unit)).first().copied());
    let instead = instead.map(|unit| wording::joint::instead(&unit.name)).unwrap_or_default();
    given.insert("instead".into(), Value::text(instead).into());
    Ok(given)
}

/// The answer that a unit is what a ticket is about is kept at once, so that it holds whatever is decided then.
///
/// # Errors
/// Those of the database.
pub async fn subject_answer(turn: &mut Turn<'_, Actor>, step: &str, answers: &Answers) -> Result<()> {
    let unit = key(answers, "unit");
    if step != "subject" || key(answers, "subject") != "yes" || !answers.contains_key("ticket") {
        return Ok(());
    }
    let name = turn.actor.directory().unit(&unit).map(|unit| unit.name.clone()).unwrap_or_default();
    for ticket in super::tickets(turn, answers).await? {
        // Who decides a dispute may not correct tickets; his own command keeps the answer.
        let may = refs::permitted(&turn.actor, &ticket, Verb::Fix, false).is_some();
        if may && ticket.subject.is_none() && names(turn, &ticket, &unit) {
            let why = wording::joint::subject(&name);
            let what = Change::of(Verb::Fix).because(&why).internal();
            change(turn, &ticket, what, |ticket| ticket.subject = Some(unit.clone())).await?;
        }
    }
    Ok(())
}

/// Do the ticket's words name this unit?
pub(in crate::tickets) fn names(turn: &Turn<'_, Actor>, ticket: &Ticket, unit: &str) -> bool {
    turn.actor.directory().units_in(&ticket.text).iter().any(|named| named.id == unit)
}

/// Conflict rule for a ticket: its subject may not be the only unit that handles it.
fn may_handle(ticket: &Ticket, hand: Hand<'_>, subject: Option<&str>) -> bool {
    let handling: Vec<&str> =
        std::iter::once(hand.unit).chain(hand.helpers.iter().chain(&ticket.co_units).map(String::as_str)).collect();
    may_be_only_unit(subject, &handling)
}

/// What the history says when the subject is to be the only unit all the same; without a reason it may not.
pub(super) fn overruled(directory: &Directory, ticket: &Ticket, hand: Hand<'_>, subject: Option<&str>) -> Result<Option<String>> {
    if may_handle(ticket, hand, subject) {
        return Ok(None);
    }
    let name = directory.unit(hand.unit).map_or(hand.unit, |unit| unit.name.as_str());
    if hand.overrule.is_empty() {
        let instead = dispute::above(directory, ticket, Some(hand.unit)).first().map(|unit| unit.name.as_str());
        return Err(Error::user(wording::joint::conflict(&ticket.short(), name, instead)));
    }
    Ok(Some(wording::joint::overruled(name, hand.overrule)))
}

/// The inspectors see who overruled the conflict rule, and why.
pub(super) fn tell_overruled(turn: &mut Turn<'_, Actor>, ticket: &Ticket, yes: bool, reason: &str) {
    let directory = turn.actor.office.directory.clone();
    if !yes || !dispute::has_inspector(&directory, ticket) {
        return;
    }
    let unit = show::unit(ticket, &directory).unwrap_or_default();
    let by = my_name(turn);
    let private = wording::joint::overruled_private(&show::label(ticket, &directory), unit, &by, reason);
    let text = wording::joint::overruled_for_inspector(&show::group_label(ticket, &directory), unit);
    tell_role(turn, ticket, Role::Inspector, Class::Now, Reply::both(text, private));
}

/// A unit that tickets can be given to.
pub(super) fn accepted_by<'d>(directory: &'d Directory, unit: &str) -> Result<&'d Unit> {
    match directory.unit(unit) {
        None => Err(Error::user(wording::unknown_unit(unit, None))),
        Some(unit) if unit.retired => Err(Error::user(wording::joint::retired_unit(&unit.name))),
        Some(unit) => Ok(unit),
    }
}

/// Gives a ticket to a unit; `reason` says why the rules proposed it.
///
/// # Errors
/// A sentence when the person may not or the ticket has moved on.
pub(in crate::tickets) async fn assign_to(turn: &mut Turn<'_, Actor>, ticket: Ticket, unit: &str, reason: &str) -> Result<Reply> {
    let subject = ticket.subject.clone();
    hand(turn, ticket, subject, Hand { reason, ..Hand::to(unit) }).await
}

async fn hand(turn: &mut Turn<'_, Actor>, ticket: Ticket, subject: Option<String>, to: Hand<'_>) -> Result<Reply> {
    let (now, before_unit) = (turn.now, ticket.unit.clone());
    let directory = turn.actor.office.directory.clone();
    let name = accepted_by(&directory, to.unit)?.name.clone();
    joint::may_help(&directory, &ticket, to.unit, to.helpers)?;
    let overruled = overruled(&directory, &ticket, to, subject.as_deref())?;
    let at_once = ticket.state == State::Submitted;
    // A send-back was judged right when somebody else gets the ticket, so the new unit gets its full time.
    let fresh = before_unit.as_deref() != Some(to.unit);
    let why = if to.reason.is_empty() { name.clone() } else { format!("{name}（{}）", to.reason) };
    let aside = overruled.clone().unwrap_or_default();
    let what = Change::of(Verb::Assign).because(&why).with(to.unit).accepting(at_once).aside(&aside);
    let mut after = change(turn, &ticket, what, |ticket| {
        if at_once {
            accepted(ticket, now);
        }
        ticket.subject.clone_from(&subject);
        dispatch(ticket, to.unit, now, fresh);
    })
    .await?;
    tell_overruled(turn, &after, overruled.is_some(), to.overrule);
    if let Some(old) = before_unit.filter(|old| old != to.unit) {
        co_units::left(turn.tx, after.id, &old).await?;
        tell_old_unit(turn, &after, &old, &name);
    }
    let (mut helped, mut extra) = (String::new(), String::new());
    if !to.helpers.is_empty() {
        let due;
        (after, due) = joint::add(turn, after, to.unit, to.helpers).await?;
        let helpers = joint::names(&directory, to.helpers);
        helped = wording::joint::helped_by(&helpers, due, now);
        extra = wording::joint::with_helpers(&helpers, due, now);
        extra.push_str(&joint::unheard(&directory, &after, to.helpers));
    }
    tell_unit(turn, &after, &helped, NEXT);
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, wording::reporter_assigned(&label, &name, after.resolve_due, now).into()).await?;
    let mut reply: Reply = wording::assigned(&show::here(turn, &after), &name, after.resolve_due, now).into();
    reply.text.push_str(&extra);
    let shared = directory.bound_group(&GroupOf::Unit(to.unit.to_owned())).is_some();
    if !shared && directory.holders(Role::Liaison, scope_of(&after)).is_empty() {
        reply.text.push_str(wording::nobody_there());
    }
    Ok(reply)
}

/// The unit that no longer has the ticket; nobody listens at one that is retired, and one that helps is told so.
fn tell_old_unit(turn: &mut Turn<'_, Actor>, ticket: &Ticket, old: &str, new: &str) {
    let retired = turn.actor.directory().unit(old).is_none_or(|unit| unit.retired);
    if !retired && !ticket.co_units.iter().any(|unit| unit == old) {
        let gone = wording::taken_away(&ticket.short(), new);
        tell_role_of(turn, ticket, Role::Liaison, Some(old.to_owned()), Class::Batch, gone.into());
    }
}

/// 改派.
pub(super) async fn redispatch(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let (now, unit) = (turn.now, key(answers, "unit"));
    let directory = turn.actor.office.directory.clone();
    let name = accepted_by(&directory, &unit)?.name.clone();
    if ticket.unit.as_deref() == Some(unit.as_str()) {
        return Err(Error::user(wording::there_already(&ticket.short(), &name)));
    }
    let subject = subject(turn, &ticket, answers, &unit);
    let overrule = text(answers, "overrule");
    let overruled = overruled(&directory, &ticket, Hand { overrule: &overrule, ..Hand::to(&unit) }, subject.as_deref())?;
    let reason = wording::unit_reason(&key(answers, "reason"));
    let old = ticket.unit.clone();
    let why = format!("{name}：{reason}");
    let aside = overruled.clone().unwrap_or_default();
    let after = change(turn, &ticket, Change::of(Verb::Redispatch).because(&why).with(&unit).aside(&aside), |ticket| {
        ticket.subject.clone_from(&subject);
        // Nobody sent it back, so the result is due when it was.
        dispatch(ticket, &unit, now, false);
    })
    .await?;
    tell_overruled(turn, &after, overruled.is_some(), &overrule);
    if let Some(old) = old {
        co_units::left(turn.tx, after.id, &old).await?;
        tell_old_unit(turn, &after, &old, &name);
    }
    tell_unit(turn, &after, "", NEXT);
    let label = show::label(&after, &directory);
    tell_reporters(turn, &after, wording::reporter_assigned(&label, &name, after.resolve_due, now).into()).await?;
    Ok(wording::redispatched(&show::here(turn, &after), &name, after.resolve_due, now).into())
}

/// The clocks of a unit that gets the ticket. Unless it begins afresh, the result is due when it was.
pub(super) fn dispatch(ticket: &mut Ticket, unit: &str, now: Millis, fresh: bool) {
    let due = |clock| Some(ticket.due(clock, now));
    let (sign, contact, resolve) = (due(Clock::Sign), due(Clock::Contact), due(Clock::Resolve));
    ticket.unit = Some(unit.to_owned());
    ticket.co_units.retain(|helper| helper != unit);
    ticket.handler = None;
    ticket.signed_off = false;
    // More time was asked for by the unit that had it.
    ticket.extension_days = None;
    ticket.dispatched_at = Some(now);
    ticket.sign_due = sign;
    ticket.contact_due = contact;
    if fresh || ticket.resolve_due.is_none() {
        ticket.resolve_due = resolve;
    }
}

/// The new unit's card, with what else it must know and can do.
pub(super) fn tell_unit(turn: &mut Turn<'_, Actor>, ticket: &Ticket, extra: &str, next: &[&str]) {
    let directory = turn.actor.office.directory.clone();
    let mut text = wording::new_for_unit(&ticket.short(), &show::group_scope(ticket, &directory), ticket.resolve_due, turn.now);
    text.push_str(extra);
    let reply = show::group_card("新工单", ticket, &directory, turn.now, text, next);
    tell_role(turn, ticket, Role::Liaison, Class::Batch, reply);
}
