//! What a deputy does with what citizens bring to him: he hears first, settles it, or hands it to the centre.

use super::{Change, change, my_name, outcome::ask_rating, push, report::tell_intake, tell_person, tell_reporters};
use crate::{
    bot::Turn,
    error::Result,
    media,
    message::Reply,
    outbox::{Class, Target},
    people::{Actor, DeputyGroup, GroupOf},
    tickets::{
        Ticket,
        calendar::Clock,
        life::Verb,
        show,
        wording::{self, oversight as words},
    },
};

/// The chosen deputy hears first; nobody else is told yet. Who it was stays hidden from him as from a unit.
pub(super) fn tell_chosen(turn: &mut Turn<'_, Actor>, ticket: &Ticket, deputy: i64, files: usize) {
    let directory = turn.actor.office.directory.clone();
    let text = wording::with_media(&ticket.text, files);
    let label = show::label(ticket, &directory);
    let mut reply = Reply::text(words::brought_to_you(&label, &text, ticket.seq, ticket.accept_due, turn.now));
    reply.card = Some(show::private_card("群众找您", ticket, &directory, turn.now));
    reply.choices = show::chips(ticket, &["看", "办结", "上报"]);
    tell_person(turn, ticket, deputy, reply);
}

/// 上报: to the centre, which gets its full time for it.
pub(super) async fn forward(turn: &mut Turn<'_, Actor>, ticket: Ticket) -> Result<Reply> {
    let now = turn.now;
    let after = change(turn, &ticket, Change::of(Verb::Forward), |ticket| {
        ticket.given_to = None;
        ticket.accept_due = Some(ticket.due(Clock::Accept, now));
    })
    .await?;
    let files = media::of_ticket(turn.tx.conn(), after.id).await?.len();
    tell_intake(turn, &after, files, None);
    let label = show::label(&after, turn.actor.directory());
    let name = my_name(turn);
    tell_reporters(turn, &after, words::reporter_forwarded(&label, &name, after.accept_due, now).into()).await?;
    Ok(words::forwarded(&show::here(turn, &after)).into())
}

/// 办结 by the chosen deputy: the reporter gets the result and the question at once.
pub(super) async fn settled(turn: &mut Turn<'_, Actor>, after: &Ticket) -> Result<()> {
    let name = my_name(turn);
    ask_rating(turn, after, &name).await?;
    turn.say(words::settled(&show::here(turn, after)));
    Ok(())
}

/// Tells a deputy group: its chat where one is bound, else its lead, or all members where it has none.
pub(super) fn tell_group(
    turn: &mut Turn<'_, Actor>,
    ticket: &Ticket,
    group: &DeputyGroup,
    class: Class,
    chat: Reply,
    person: &Reply,
) {
    let directory = turn.actor.office.directory.clone();
    if let Some(bound) = directory.bound_group(&GroupOf::Deputies(group.id.clone())) {
        push(turn, ticket, Target::Group(bound.id.clone()), class, chat);
        return;
    }
    let in_office = |reference: &String| directory.staff_by_reference(reference).filter(|staff| !staff.retired);
    let heads: Vec<i64> = match group.lead.as_ref().and_then(in_office) {
        Some(lead) => vec![lead.id],
        None => group.members.iter().filter_map(in_office).map(|staff| staff.id).collect(),
    };
    for head in heads {
        tell_person(turn, ticket, head, person.clone());
    }
}
