//! How a generated ticket fared: the steps it went through and what each left behind. Pure, and the same for the same dice.

use super::wording;
use crate::{
    clock::{HOUR, MINUTE},
    message::Millis,
    people::Role,
    tickets::{
        Method, State, Ticket, Verification,
        calendar::Clock,
        columns,
        life::Verb,
        store::{By, Event},
    },
};

/// Numbers that look like chance and come again with the same seed (SplitMix64).
#[derive(Debug, Clone)]
pub(super) struct Dice(pub u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to and without `end`.
    pub(super) fn below(&mut self, end: i64) -> i64 {
        let end = u64::try_from(end).unwrap_or(1).max(1);
        i64::try_from(self.roll() % end).unwrap_or_default()
    }

    /// So many times in a thousand.
    pub(super) fn one_in_thousand(&mut self, times: i64) -> bool {
        self.below(1_000) < times
    }

    /// One of these, of which there must be any.
    pub(super) fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        let index = usize::try_from(self.roll() % all.len().max(1) as u64).unwrap_or_default();
        all[index].clone()
    }
}

/// Who works on a ticket, by person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cast {
    pub intake: i64,
    pub dispatcher: i64,
    pub liaison: i64,
    pub handler: i64,
    pub leader: i64,
}

/// Something that happened to a ticket.
#[derive(Debug)]
pub(super) struct Step {
    pub at: Millis,
    pub by: By,
    pub event: Event<'static>,
}

/// The steps that lead to a state, after the report.
fn path(end: State) -> &'static [Verb] {
    const LINE: &[Verb] =
        &[Verb::Accept, Verb::Assign, Verb::Sign, Verb::Contact, Verb::Note, Verb::Done, Verb::SignOff, Verb::Pass, Verb::Rate];
    match end {
        State::NeedInfo => &[Verb::Ask],
        State::Accepted => &LINE[..1],
        State::Dispatched => &LINE[..2],
        State::SentBack => &[Verb::Accept, Verb::Assign, Verb::SendBack],
        State::Working => &LINE[..4],
        State::InReview => &LINE[..6],
        State::Callback => &LINE[..8],
        State::Closed => LINE,
        State::Rejected => &[Verb::Reject],
        State::Cancelled => &[Verb::Withdraw],
        State::HandedOver => &[Verb::Accept, Verb::Handover],
        State::Submitted | State::Disputed | State::Shelved | State::Merged => &[],
    }
}

/// How long a step takes after the one before, at most.
fn pause(verb: Verb) -> Millis {
    match verb {
        Verb::Accept | Verb::Reject | Verb::Ask | Verb::Withdraw => 6 * HOUR,
        Verb::Assign | Verb::SignOff | Verb::Pass | Verb::Handover => 4 * HOUR,
        Verb::Sign | Verb::SendBack => 20 * HOUR,
        Verb::Contact => 24 * HOUR,
        Verb::Done => 9 * 24 * HOUR,
        _ => 3 * 24 * HOUR,
    }
}

/// Leads a ticket that was just submitted to `end`, all of it before `now`.
pub(super) fn live(dice: &mut Dice, ticket: &mut Ticket, cast: Cast, unit: Option<&str>, end: State, now: Millis) -> Vec<Step> {
    let report = Event::of(Verb::Report, State::Submitted);
    let mut steps = vec![Step { at: ticket.submitted_at, by: By { person: None, role: "reporter" }, event: report }];
    // Nobody can send it on without a unit.
    let end = if unit.is_none() && path(end).contains(&Verb::Assign) { State::Accepted } else { end };
    let verbs = path(end);
    let pauses: Vec<Millis> = verbs.iter().map(|verb| MINUTE + dice.below(pause(*verb))).collect();
    let (whole, there_is) = (pauses.iter().sum::<Millis>(), now - ticket.submitted_at);
    let mut at = ticket.submitted_at;
    for (verb, pause) in verbs.iter().zip(pauses) {
        at += if whole < there_is { pause } else { pause * there_is / (whole + 1) };
        let before = ticket.clone();
        let (by, reason) = step(dice, ticket, cast, unit, *verb, at);
        if before.state != ticket.state || before.unit != ticket.unit {
            ticket.version += 1;
        }
        let event = Event {
            verb: *verb,
            from: Some(before.state),
            to: ticket.state,
            reason,
            payload: None,
            visible: "all",
            before: columns::replaced(&columns::changed(&before, ticket)),
        };
        ticket.events += 1;
        steps.push(Step { at, by, event });
    }
    steps
}

/// What a step changes, who takes it, and the words that go with it.
fn step(
    dice: &mut Dice,
    ticket: &mut Ticket,
    cast: Cast,
    unit: Option<&str>,
    verb: Verb,
    at: Millis,
) -> (By, Option<&'static str>) {
    let by = |person: i64, role: Role| By { person: Some(person), role: role.as_str() };
    let over = |ticket: &mut Ticket, state| {
        ticket.state = state;
        ticket.closed_at = Some(at);
    };
    match verb {
        Verb::Accept => {
            ticket.state = State::Accepted;
            ticket.dispatch_due = Some(ticket.due(Clock::Dispatch, at));
            (by(cast.intake, Role::Intake), None)
        }
        Verb::Ask => {
            (ticket.state, ticket.asks) = (State::NeedInfo, 1);
            (by(cast.intake, Role::Intake), Some(wording::REASONS[3]))
        }
        Verb::Reject => {
            over(ticket, State::Rejected);
            (by(cast.intake, Role::Intake), Some(wording::REASONS[0]))
        }
        Verb::Handover => {
            over(ticket, State::HandedOver);
            ticket.handed_to = Some(wording::OUTSIDE.to_owned());
            (by(cast.intake, Role::Intake), None)
        }
        Verb::Withdraw => {
            over(ticket, State::Cancelled);
            (By { person: None, role: "reporter" }, None)
        }
        Verb::Assign => {
            (ticket.state, ticket.unit, ticket.dispatched_at) = (State::Dispatched, unit.map(str::to_owned), Some(at));
            ticket.sign_due = Some(ticket.due(Clock::Sign, at));
            ticket.contact_due = Some(ticket.due(Clock::Contact, at));
            ticket.resolve_due = Some(ticket.due(Clock::Resolve, at));
            (by(cast.dispatcher, Role::Dispatcher), None)
        }
        Verb::SendBack => {
            (ticket.state, ticket.send_backs) = (State::SentBack, 1);
            (by(cast.liaison, Role::Liaison), Some(wording::REASONS[1]))
        }
        Verb::Sign => {
            (ticket.state, ticket.handler) = (State::Working, Some(cast.handler));
            (by(cast.liaison, Role::Liaison), None)
        }
        Verb::Contact => {
            ticket.first_contact_at = Some(at);
            (by(cast.handler, Role::Handler), None)
        }
        Verb::Note => (by(cast.handler, Role::Handler), Some(dice.pick(wording::NOTES))),
        Verb::Done => {
            (ticket.state, ticket.resolved_at) = (State::InReview, Some(at));
            ticket.result = Some(dice.pick(wording::RESULTS).to_owned());
            if ticket.kind.needs_verdict() {
                ticket.verification = Some(dice.pick(Verification::ALL));
                ticket.method = Some(dice.pick(Method::ALL));
            }
            (by(cast.handler, Role::Handler), None)
        }
        Verb::SignOff => {
            ticket.signed_off = true;
            (by(cast.leader, Role::UnitLeader), None)
        }
        Verb::Pass => {
            ticket.state = State::Callback;
            (by(cast.dispatcher, Role::Dispatcher), None)
        }
        _ => {
            over(ticket, State::Closed);
            (By { person: None, role: "reporter" }, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAST: Cast = Cast { intake: 1, dispatcher: 2, liaison: 3, handler: 4, leader: 5 };

    #[test]
    fn every_life_ends_where_it_should_and_before_now() {
        let mut dice = Dice(7);
        for end in State::ALL.iter().filter(|end| !path(**end).is_empty()) {
            for there_is in [HOUR, 400 * 24 * HOUR] {
                let now = 1_800_000_000_000;
                let mut ticket = Ticket::blank(now - there_is);
                let steps = live(&mut dice, &mut ticket, CAST, Some("swj"), *end, now);
                assert_eq!((ticket.state, i64::try_from(steps.len()).unwrap()), (*end, ticket.events), "{end:?}");
                assert!(steps.windows(2).all(|pair| pair[0].at <= pair[1].at && pair[1].event.from == Some(pair[0].event.to)));
                assert!(steps.iter().all(|step| step.at <= now));
                assert_eq!(steps.last().map(|step| step.event.to), Some(*end));
                assert_eq!(ticket.closed_at.is_some(), !end.is_open());
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_life() {
        let lives = || {
            let mut ticket = Ticket::blank(0);
            let steps = live(&mut Dice(3), &mut ticket, CAST, Some("swj"), State::Closed, 400 * 24 * HOUR);
            (ticket, steps.iter().map(|step| step.at).collect::<Vec<_>>())
        };
        assert_eq!(lives(), lives());
    }
}
