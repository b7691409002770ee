//! 督办 and the reply to it.

use super::{
    Change, account, attach, change, my_name, tell_person, tell_reporters, tell_role, text, unit_name, work::tell_whoever_has_it,
};
use crate::{
    bot::{
        Turn,
        dialog::{Answers, Value},
    },
    error::{Error, Result},
    message::Reply,
    outbox::Class,
    people::{Actor, GroupOf, Role},
    tickets::{
        Sealed, State, Ticket,
        group::with_deputy,
        life::{Verb, Who},
        oversight::{self, Order},
        refs, show, term,
        wording::{self, oversight as words},
    },
};

/// The rule `demand`: something is demanded beside the term.
///
/// # Errors
/// The sentence that says what is missing.
pub fn demand(value: &Value, _: &Answers) -> std::result::Result<(), String> {
    let Value::Text(words) = value else { return Ok(()) };
    let said = term::demand(words).chars().filter(|c| !c.is_whitespace()).count();
    if said < 4 { Err(words::demand_missing().to_owned()) } else { Ok(()) }
}

/// 督办: an order of its own, with a due time and a written reply.
pub(super) async fn supervise(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let now = turn.now;
    let (demand, due) = term::read(&text(answers, "demand"), now).map_err(|wrong| Error::user(words::wrong_term(wrong)))?;
    let role = match refs::permitted(&turn.actor, &ticket, Verb::Supervise, false) {
        // On what is sealed the inspector does everybody's work, but in his own name.
        _ if ticket.sealed != Sealed::Open => Role::Inspector,
        Some((_, Who::Holder(role))) => role,
        _ => Role::Leader,
    };
    // The reporter reads that somebody watches, not what was demanded: the words stand in the order.
    let after = change(turn, &ticket, Change::of(Verb::Supervise).with(&demand), |ticket| ticket.supervised = true).await?;
    oversight::add_order(turn, after.id, role.as_str(), &demand, due).await?;
    let directory = turn.actor.office.directory.clone();
    let label = show::label(&after, &directory);
    let who = format!("{}（{role}）", my_name(turn));
    let reply = |seq: Option<i64>| {
        Reply::both(
            words::supervised_for_group(&show::group_label(&after, &directory), after.seq, due, now),
            words::supervised_in_private(&label, &who, &demand, seq, due, now),
        )
    };
    let (leader, dispatcher) = match after.state {
        State::Accepted | State::SentBack | State::Disputed => (false, false),
        // Intake and dispatchers share the centre's group: there it is said once.
        State::Submitted | State::NeedInfo => {
            (false, with_deputy(&directory, &after, now).is_some() || directory.bound_group(&GroupOf::Centre).is_none())
        }
        _ => (after.unit.is_some(), true),
    };
    if leader {
        tell_role(turn, &after, Role::UnitLeader, Class::Now, reply(Some(after.seq)));
    } else {
        tell_whoever_has_it(turn, &after, Class::Now, reply(None));
    }
    if dispatcher {
        tell_role(turn, &after, Role::Dispatcher, Class::Now, reply(None));
    }
    tell_reporters(turn, &after, words::reporter_supervised(&label, role == Role::TownNpc).into()).await?;
    Ok(words::supervised(&show::here(turn, &after), due, now).into())
}

/// 回复督办: the oldest order without a reply gets it.
pub(super) async fn answer(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    let reply = account(answers, "answer");
    let said = wording::with_media(&reply.text, reply.media.len());
    let open: Vec<Order> =
        oversight::orders(turn.tx, ticket.id).await?.into_iter().filter(|order| order.answer.is_none()).collect();
    let Some(order) = open.first() else {
        return Err(Error::user(wording::not_now(&ticket, Verb::Answer, crate::tickets::life::When::Supervised)));
    };
    let left = open.len() - 1;
    let after = change(turn, &ticket, Change::of(Verb::Answer).because(&said).internal(), |ticket| {
        ticket.supervised = left > 0;
    })
    .await?;
    oversight::answer_order(turn, order.id, &said).await?;
    attach(turn, &reply, after.id).await?;
    let directory = turn.actor.office.directory.clone();
    let label = show::label(&after, &directory);
    let text = words::reply_to_order(&label, &unit_name(turn, &after), &order.demand, &said, after.seq);
    if directory.staff(order.person).is_some_and(|staff| !staff.retired) {
        tell_person(turn, &after, order.person, Reply::text(text));
    } else {
        // Who ordered is no longer in office; somebody still has to read the reply.
        tell_role(turn, &after, Role::NpcStaff, Class::Now, Reply::text(text));
    }
    Ok(words::order_answered(&show::here(turn, &after), left).into())
}

/// The third urge and each after it: dispatchers know, and an order is proposed with one tap to those who may give it.
pub(super) fn urged_often(turn: &mut Turn<'_, Actor>, ticket: &Ticket) {
    let directory = turn.actor.office.directory.clone();
    let (group, label) = (show::group_label(ticket, &directory), show::label(ticket, &directory));
    let (times, seq) = (ticket.urges, ticket.seq);
    if !matches!(ticket.state, State::Accepted | State::SentBack | State::Disputed) {
        let reply = Reply::both(words::urged_often(&group, times), words::urged_often(&label, times));
        tell_role(turn, ticket, Role::Dispatcher, Class::Now, reply);
    }
    if ticket.supervised {
        return;
    }
    let mut chip = crate::bot::shortcut(format!("督办 {} {}", ticket.number, words::PROPOSED_DEMAND));
    chip.text = Verb::Supervise.chinese().to_owned();
    let reply = Reply {
        text: words::supervision_proposed(&group, times, seq),
        private: Some(words::supervision_proposed(&label, times, seq)),
        choices: vec![chip],
        ..Reply::default()
    };
    tell_role(turn, ticket, Role::NpcStaff, Class::Now, reply);
}
