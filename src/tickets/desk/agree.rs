//! The second person: 同意, 不同意.

use super::{Change, change, tell_handler, tell_person, tell_reporters, text};
use crate::{
    bot::{Turn, close_offers, dialog::Answers},
    error::{Error, Result},
    message::Reply,
    outbox::Class,
    people::{Actor, Role, person_holder},
    tickets::{
        Matter, Proposal, Sealed, State, Ticket, Unreasonable, Voice,
        life::{Verb, Who},
        refs, show, store,
        wording::{self, terms as words},
    },
};

/// Why somebody cannot be the second person.
#[derive(Debug, PartialEq, Eq)]
enum Unfit {
    /// It is this person's own proposal.
    Own,
    /// This person has agreed already.
    Before,
    /// It takes somebody in one of these roles.
    Role(Vec<Role>),
}

/// The roles whose agreement is still missing.
fn missing(proposal: &Proposal) -> Vec<Role> {
    let all: &[Role] = match proposal.matter {
        Matter::Shelve if proposal.by.role == Role::NpcStaff.as_str() => &[Role::Dispatcher],
        Matter::Shelve => &[Role::NpcStaff],
        Matter::Withdraw => &[Role::Intake],
        Matter::Unreasonable => &[Role::CallbackClerk, Role::NpcStaff],
    };
    let given = |role: &Role| proposal.agreed.iter().any(|voice| voice.role == role.as_str());
    all.iter().copied().filter(|role| !given(role)).collect()
}

/// In which of the missing roles this person agrees. A person has one voice, whatever roles he holds.
fn voice(proposal: &Proposal, missing: &[Role], mine: &[String], may: impl Fn(Role) -> bool) -> Result<Role, Unfit> {
    if mine.contains(&proposal.by.holder) {
        return Err(Unfit::Own);
    }
    if proposal.agreed.iter().any(|voice| mine.contains(&voice.holder)) {
        return Err(Unfit::Before);
    }
    missing.iter().copied().find(|role| may(*role)).ok_or_else(|| Unfit::Role(missing.to_vec()))
}

/// Is there anybody but this person to agree in a role? If not, a sentence says so: two-person acts need two persons.
pub(super) fn somebody_else(turn: &Turn<'_, Actor>, ticket: &Ticket, role: Role) -> Result<()> {
    // Of a sealed ticket nothing is told about who could see it.
    if ticket.sealed != Sealed::Open || others(turn, ticket, role) > 0 {
        return Ok(());
    }
    Err(Error::user(words::nobody_else(role)))
}

fn others(turn: &Turn<'_, Actor>, ticket: &Ticket, role: Role) -> usize {
    let holders = turn.actor.directory().holders(role, refs::scope_of(ticket));
    holders.iter().filter(|staff| !staff.retired && staff.id != turn.actor.person).count()
}

/// What is proposed, and in which role this person would agree to it.
fn second(turn: &Turn<'_, Actor>, ticket: &Ticket, verb: Verb) -> Result<(Proposal, Result<Role, Unfit>)> {
    let permitted = refs::permitted(&turn.actor, ticket, verb, false);
    let Some(proposal) = ticket.proposal.clone().filter(|_| permitted.is_some()) else {
        return Err(Error::user(refs::refusal(&turn.actor, ticket, verb, false)));
    };
    let is = |role| refs::is(&turn.actor, ticket, Who::Holder(role), false);
    let of_unit = [Role::Liaison, Role::Handler, Role::UnitLeader].into_iter().any(is);
    if proposal.matter == Matter::Unreasonable && ticket.sealed == Sealed::Open && of_unit {
        return Err(Error::user(words::not_by_the_unit()));
    }
    let mut missing = missing(&proposal);
    // Who could agree in two roles does so where fewer others can, so that somebody is left for the other one.
    missing.sort_by_key(|role| others(turn, ticket, *role));
    let role = voice(&proposal, &missing, &turn.actor.holders(), is);
    Ok((proposal, role))
}

/// 同意.
pub(super) async fn agree(turn: &mut Turn<'_, Actor>, ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    let (mut proposal, role) = second(turn, &ticket, Verb::Agree)?;
    let role = role.map_err(|unfit| refusal(&ticket, &proposal, unfit))?;
    let after = match proposal.matter {
        Matter::Shelve => super::terms::shelved(turn, &ticket, &proposal).await?,
        Matter::Withdraw => {
            // Somebody may have joined since it was asked for.
            if store::reporters(turn.tx, ticket.id).await?.len() > 1 {
                return Err(Error::user(wording::same::others_joined(&ticket.typed())));
            }
            let after = change(turn, &ticket, Change::of(Verb::Agree), |ticket| ticket.proposal = None).await?;
            close_offers(turn.tx, after.id, &[]).await?;
            let label = show::label(&after, turn.actor.directory());
            tell_reporters(
                turn,
                &after,
                words::reporter_withdrawn(&label, after.typed(), !after.restored, wording::decider(&after)).into(),
            )
            .await?;
            if after.unit.is_some() && ticket.state != State::SentBack {
                let text = wording::withdrawn(&show::group_label(&after, turn.actor.directory()));
                tell_handler(turn, &after, Class::Batch, text.into());
            }
            after
        }
        Matter::Unreasonable => {
            proposal.agreed.push(Voice { holder: turn.actor.holder(), role: role.as_str().to_owned() });
            let open = missing(&proposal);
            let done = open.is_empty();
            let kept = (!done).then(|| proposal.clone());
            let after = change(turn, &ticket, Change::of(Verb::Agree).internal(), |ticket| {
                ticket.proposal.clone_from(&kept);
                if done {
                    ticket.unreasonable = Some(Unreasonable::Confirmed);
                }
            })
            .await?;
            if let [other] = open[..] {
                return Ok(words::agreed_so_far(&show::here(turn, &after), other).into());
            }
            after
        }
    };
    let directory = turn.actor.office.directory.clone();
    let reply = Reply::both(
        words::asker_agreed(&show::group_label(&after, &directory), proposal.matter),
        words::asker_agreed(&show::label(&after, &directory), proposal.matter),
    );
    tell_asker(turn, &after, &proposal, reply);
    Ok(words::agreed(&show::here(turn, &after), proposal.matter).into())
}

/// The sentence for somebody who cannot be the second person.
fn refusal(ticket: &Ticket, proposal: &Proposal, unfit: Unfit) -> Error {
    let number = ticket.short();
    Error::user(match unfit {
        Unfit::Own => words::own_proposal(&number, &missing(proposal)),
        Unfit::Before => words::agreed_before(&number),
        Unfit::Role(roles) => words::takes_another(&number, &roles),
    })
}

/// 不同意: by whoever could agree, or by the one who proposed it and thinks better of it.
pub(super) async fn disagree(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let (proposal, role) = second(turn, &ticket, Verb::Disagree)?;
    if let Err(unfit @ Unfit::Role(_)) = role {
        return Err(refusal(&ticket, &proposal, unfit));
    }
    let reason = text(answers, "reason");
    let what = Change::of(Verb::Disagree).because(&reason);
    let what = if proposal.matter == Matter::Withdraw { what } else { what.internal() };
    let after = change(turn, &ticket, what, |ticket| {
        ticket.proposal = None;
        if proposal.matter == Matter::Unreasonable {
            ticket.unreasonable = None;
        }
    })
    .await?;
    let directory = turn.actor.office.directory.clone();
    let label = show::label(&after, &directory);
    if proposal.matter == Matter::Withdraw {
        tell_reporters(turn, &after, words::reporter_not_withdrawn(&label, &reason, wording::decider(&after)).into()).await?;
    }
    let reply = Reply::both(
        words::asker_refused(&show::group_label(&after, &directory), proposal.matter, None, after.typed()),
        words::asker_refused(&label, proposal.matter, Some(&reason), after.typed()),
    );
    tell_asker(turn, &after, &proposal, reply);
    Ok(words::refused(&show::here(turn, &after), proposal.matter).into())
}

/// Tells whoever in office proposed it; reporters are told in their own words.
fn tell_asker(turn: &mut Turn<'_, Actor>, ticket: &Ticket, proposal: &Proposal, reply: Reply) {
    let office = turn.actor.office.clone();
    let asker = office.directory.all_staff().find(|staff| person_holder(&office.keys, staff.id) == proposal.by.holder);
    if let Some(asker) = asker.filter(|_| proposal.matter != Matter::Withdraw) {
        tell_person(turn, ticket, asker.id, reply);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(holder: &str, role: Role) -> Voice {
        Voice { holder: holder.into(), role: role.as_str().into() }
    }

    fn proposal(matter: Matter, by: Voice, agreed: Vec<Voice>) -> Proposal {
        Proposal { matter, by, agreed, words: String::new(), until: None }
    }

    #[test]
    fn two_persons_of_two_sides() {
        use Role::{CallbackClerk, Dispatcher, Intake, Liaison, NpcStaff};
        let shelve = |role| proposal(Matter::Shelve, said("a", role), Vec::new());
        let withdraw = proposal(Matter::Withdraw, Voice { holder: "a".into(), role: "reporter".into() }, Vec::new());
        let claim = |agreed| proposal(Matter::Unreasonable, said("a", Liaison), agreed);
        for (proposal, who, roles, expected) in [
            (shelve(Dispatcher), "b", &[NpcStaff][..], Ok(NpcStaff)),
            (shelve(NpcStaff), "b", &[Dispatcher], Ok(Dispatcher)),
            // The same side.
            (shelve(Dispatcher), "b", &[Dispatcher], Err(Unfit::Role(vec![NpcStaff]))),
            // Somebody with both roles, as the second person and as the first.
            (shelve(Dispatcher), "b", &[Dispatcher, NpcStaff], Ok(NpcStaff)),
            (shelve(Dispatcher), "a", &[Dispatcher, NpcStaff], Err(Unfit::Own)),
            (withdraw.clone(), "b", &[Intake], Ok(Intake)),
            (withdraw.clone(), "a", &[Intake], Err(Unfit::Own)),
            (withdraw, "b", &[NpcStaff], Err(Unfit::Role(vec![Intake]))),
            (claim(vec![]), "b", &[CallbackClerk], Ok(CallbackClerk)),
            (claim(vec![said("b", CallbackClerk)]), "c", &[NpcStaff], Ok(NpcStaff)),
            // One voice for each person, whatever roles he holds.
            (claim(vec![said("b", CallbackClerk)]), "b", &[CallbackClerk, NpcStaff], Err(Unfit::Before)),
            (claim(vec![said("b", CallbackClerk)]), "c", &[CallbackClerk], Err(Unfit::Role(vec![NpcStaff]))),
            (claim(vec![]), "a", &[CallbackClerk], Err(Unfit::Own)),
        ] {
            let mine = [who.to_owned(), format!("{who} without a name")];
            let found = voice(&proposal, &missing(&proposal), &mine, |role| roles.contains(&role));
            assert_eq!(found, expected, "{proposal:?} by {who} as {roles:?}");
        }
    }
}
