//! 看身份: who reported in confidence. Each look stays in the history, is told to the inspectors, and to the reporter who asks.

use super::{Change, change, my_name, tell_role, text};
use crate::{
    bot::{Turn, dialog::Answers},
    error::{Error, Result},
    message::Reply,
    outbox::Class,
    people::{Actor, Role},
    tickets::{
        Mode, Ticket,
        life::Verb,
        show,
        store::{self, Reporter},
        wording,
    },
};

/// 看身份, in a private chat.
pub(super) async fn reveal(turn: &mut Turn<'_, Actor>, ticket: Ticket, answers: &Answers) -> Result<Reply> {
    if turn.in_group() {
        return Err(Error::user(wording::secrecy::reveal_in_private()));
    }
    let reason = text(answers, "reason");
    let reporters = store::reporters(turn.tx, ticket.id).await?;
    let known: Vec<&Reporter> = reporters.iter().filter(|reporter| reporter.mode != Mode::Anonymous).collect();
    let after = change(turn, &ticket, Change::of(Verb::Reveal).because(&reason).of_centre(), |_| {}).await?;
    let directory = turn.actor.office.directory.clone();
    if known.is_empty() {
        // Nobody was seen, so nobody looked: the event is undone with the sentence.
        return Err(Error::user(wording::secrecy::nobody_can_know(&after.short(), after.typed())));
    }
    let mut who = Vec::with_capacity(known.len());
    for reporter in known {
        who.push(identity(turn, &after, reporter)?);
    }
    let label = show::label(&after, &directory);
    let by = my_name(turn);
    let told = Reply::both(
        wording::secrecy::somebody_looked(&by, &show::group_label(&after, &directory), wording::reason_in_private()),
        wording::secrecy::somebody_looked(&by, &label, &reason),
    );
    tell_role(turn, &after, Role::Inspector, Class::Batch, told);
    Ok(wording::secrecy::revealed(&label, &who).into())
}

/// What is known of one who reported.
fn identity(turn: &Turn<'_, Actor>, ticket: &Ticket, reporter: &Reporter) -> Result<String> {
    let office = turn.actor.office.clone();
    let plain = reporter.who(&office.keys)?;
    let person: i64 = plain.parse().map_err(|_| Error::fault("a reporter's entry holds no person"))?;
    let contact = reporter.contact(&office.keys)?;
    let name = office.directory.staff(person).map(|staff| staff.name.as_str());
    Ok(wording::secrecy::identity(name, contact.as_deref(), wording::channel(&ticket.source), ticket.typed()))
}
