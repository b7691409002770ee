//! Against a decision: 申诉, 恢复, 不合理.

use super::{Change, account, attach, change, tell_role, text};
use crate::{
    bot::{
        Turn,
        dialog::{Account, Answers, Value},
    },
    clock::DAY,
    error::{Error, Result},
    message::{Millis, Reply},
    outbox::{Class, Push, Target},
    people::{Actor, Role},
    tickets::{
        Matter, Proposal, Sealed, State, Ticket, Unreasonable, Voice,
        calendar::{self, Amount, Clock},
        co_units, kept,
        life::Verb,
        refs, show,
        store::{self, Past},
        taken_back,
        wording::terms as words,
    },
};

/// What was withdrawn can come back this long.
const RESTORE_WINDOW: Millis = 7 * DAY;
/// A unit says within so many working days of a rating that a demand is unreasonable.
const CLAIM_DAYS: u32 = 3;
/// So many characters say why.
const CLAIM_CHARS: usize = 10;

/// 申诉: somebody else looks at a rejection again.
pub(super) async fn appeal(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let (now, reason) = (turn.now, text(answers, "reason"));
    let rejecter = last_by(&taken_back::in_force(turn.tx, ticket.id).await?, Verb::Reject);
    let others = rejecter.is_some_and(|person| others_hold_intake(turn, &ticket, person));
    super::sealed::guard(turn, &ticket, &reason)?;
    let said = kept::of_reporter(turn, &ticket, &reason).await?;
    let after = change(turn, &ticket, Change::of(Verb::Appeal).because(&said.open).sealing(&said.original), |ticket| {
        ticket.appealed = true;
        ticket.accept_due = Some(ticket.due(Clock::Accept, now));
    })
    .await?;
    let directory = turn.actor.office.directory.clone();
    let reply = Reply::both(
        words::appeal_to_intake(&show::group_label(&after, &directory), others, None, after.typed()),
        words::appeal_to_intake(&show::label(&after, &directory), others, Some(&said.open), after.typed()),
    );
    if after.sealed == Sealed::Open {
        turn.push(Push {
            target: Target::Role { role: Role::Intake.as_str().to_owned(), area: after.area.clone(), unit: None },
            ticket: Some(after.id),
            class: Class::Now,
            reply,
            except: rejecter.filter(|_| others),
            urgent: after.urgent(),
        });
    } else {
        tell_role(turn, &after, Role::Intake, Class::Now, reply);
    }
    Ok(words::appealed(&show::here(turn, &after), others, after.accept_due, now).into())
}

/// Who did this last, of those in office.
fn last_by(history: &[Past], verb: Verb) -> Option<i64> {
    history.iter().rfind(|past| past.verb == verb).and_then(|past| past.actor)
}

/// Is there somebody for intake beside this person?
fn others_hold_intake(turn: &Turn<'_, Actor>, ticket: &Ticket, person: i64) -> bool {
    let holders = turn.actor.directory().holders(Role::Intake, refs::scope_of(ticket));
    holders.iter().any(|staff| !staff.retired && staff.id != person)
}

/// After an appeal whoever rejected leaves the decision to somebody else, as long as there is anybody.
pub(super) async fn by_somebody_else(turn: &mut Turn<'_, Actor>, ticket: &Ticket, verb: Verb) -> Result<()> {
    let rejecter = last_by(&taken_back::in_force(turn.tx, ticket.id).await?, Verb::Reject);
    let mine = rejecter == Some(turn.actor.person);
    if mine && ticket.sealed == Sealed::Open && others_hold_intake(turn, ticket, turn.actor.person) {
        return Err(Error::user(words::appeal_not_by_you(&ticket.short(), verb)));
    }
    Ok(())
}

/// 恢复: what was withdrawn is back at the beginning, with new clocks.
pub(super) async fn restore(turn: &mut Turn<'_, Actor>, ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    let now = turn.now;
    let history = taken_back::in_force(turn.tx, ticket.id).await?;
    let ends = |past: &&Past| past.to == State::Cancelled && matches!(past.verb, Verb::Withdraw | Verb::Agree);
    let cancelled = history.iter().rfind(ends).map(|past| past.at);
    if !ticket.restored && cancelled.is_some_and(|at| now > at + RESTORE_WINDOW) {
        return Err(Error::user(words::restore_too_late(&ticket.short())));
    }
    let after = change(turn, &ticket, Change::of(Verb::Restore), |ticket| {
        *ticket = Ticket {
            restored: true,
            accept_due: Some(ticket.due(Clock::Accept, now)),
            dispatch_due: None,
            sign_due: None,
            contact_due: None,
            resolve_due: None,
            dispatched_at: None,
            unit: None,
            handler: None,
            ..ticket.clone()
        };
    })
    .await?;
    if let Some(old) = &ticket.unit {
        co_units::left(turn.tx, after.id, old).await?;
    }
    let directory = turn.actor.office.directory.clone();
    let reply = Reply::both(
        words::restored_to_intake(&show::group_label(&after, &directory), after.typed()),
        words::restored_to_intake(&show::label(&after, &directory), after.typed()),
    );
    tell_role(turn, &after, Role::Intake, Class::Batch, reply);
    Ok(words::restored(&show::here(turn, &after), after.accept_due, now).into())
}

/// The rule `unreasonable_claim`: reasons in words, and something that proves them.
///
/// # Errors
/// The sentence that says what is missing.
pub fn unreasonable_claim(value: &Value, _answers: &Answers) -> Result<(), String> {
    let empty = Account::default();
    let claim = match value {
        Value::Account(account) => account,
        _ => &empty,
    };
    let enough = claim.text.chars().filter(|c| !c.is_whitespace()).count() >= CLAIM_CHARS;
    match (enough, claim.media.is_empty()) {
        (false, _) => Err(words::claim_too_short().to_owned()),
        (true, true) => Err(words::claim_needs_proof().to_owned()),
        (true, false) => Ok(()),
    }
}

/// Why nobody can say 不合理 of this ticket: nobody rated it in this round, or that was too long ago.
pub(super) async fn no_claim(turn: &mut Turn<'_, Actor>, ticket: &Ticket) -> Result<Option<String>> {
    let ratings = store::ratings(turn.tx, ticket.id).await?;
    let last = ratings.iter().filter(|rating| rating.round == ticket.round).map(|rating| rating.at).max();
    Ok(match last {
        None => Some(words::nothing_rated(&ticket.short())),
        Some(at) if turn.now > calendar::due(at, Amount::Days(CLAIM_DAYS)) => Some(words::claim_too_late(&ticket.short())),
        Some(_) => None,
    })
}

/// 不合理: the unit says so, with its proof; a call-back clerk and the congress staff decide.
pub(super) async fn unreasonable(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    if let Some(sentence) = no_claim(turn, &ticket).await? {
        return Err(Error::user(sentence));
    }
    if ticket.unreasonable == Some(Unreasonable::Confirmed) {
        return Err(Error::user(words::claimed_already(&ticket.short())));
    }
    let claim = account(answers, "reason");
    let proposal = Proposal {
        matter: Matter::Unreasonable,
        by: Voice { holder: turn.actor.holder(), role: Role::Liaison.as_str().to_owned() },
        agreed: Vec::new(),
        words: claim.text.clone(),
        until: None,
    };
    let after = change(turn, &ticket, Change::of(Verb::Unreasonable).because(&claim.text).internal(), |ticket| {
        ticket.proposal = Some(proposal.clone());
        ticket.unreasonable = Some(Unreasonable::Proposed);
    })
    .await?;
    attach(turn, &claim, after.id).await?;
    let directory = turn.actor.office.directory.clone();
    let unit = super::unit_name(turn, &after);
    let asks = |label: &str, reason: Option<&str>| words::claim_asked(label, &unit, reason, after.seq);
    let reply = Reply::both(
        asks(&show::group_label(&after, &directory), None),
        asks(&show::label(&after, &directory), Some(&claim.text)),
    );
    tell_role(turn, &after, Role::CallbackClerk, Class::Now, reply.clone());
    tell_role(turn, &after, Role::NpcStaff, Class::Now, reply);
    Ok(words::claim_passed_on(&show::here(turn, &after)).into())
}
