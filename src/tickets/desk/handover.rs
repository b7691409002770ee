//! Work in hand when somebody goes: back to the unit's liaison, or to the new one.

use super::{record, tell_role};
use crate::{
    bot::Turn,
    error::Result,
    message::Reply,
    outbox::Class,
    people::{Actor, Role},
    tickets::{
        State, Ticket,
        columns::{COLUMNS, read},
        life::Verb,
        show,
        store::{self, By, Event},
        wording::lists as wording,
    },
};
use sqlx::AssertSqlSafe;

/// The open tickets that this person handles.
///
/// # Errors
/// Those of the database.
pub async fn in_hand(turn: &mut Turn<'_, Actor>, person: i64) -> Result<Vec<Ticket>> {
    // Of what was sealed since, he has nothing in hand any more, and nobody reads of it here.
    let sql = format!(
        "SELECT {COLUMNS} FROM ticket WHERE handler_id = $1 AND sealed = 0 AND {} ORDER BY submitted_at, id",
        store::in_states(State::open())
    );
    sqlx::query(AssertSqlSafe(sql)).bind(person).fetch_all(turn.tx.conn()).await?.iter().map(read).collect()
}

/// Gives tickets to somebody else, or back to the unit's liaison, who is told. `name` is who had them, or who gets them. The
/// right is the administrator's and was checked where the person's rights were changed; the table of the life cycle knows no
/// administrator, because he does nothing else to a ticket.
///
/// # Errors
/// Those of the database.
pub async fn hand_over(turn: &mut Turn<'_, Actor>, tickets: Vec<Ticket>, to: Option<i64>, name: &str) -> Result<()> {
    let directory = turn.actor.office.directory.clone();
    for before in tickets {
        let reason = if to.is_some() { name.to_owned() } else { wording::handed_back_event(name) };
        let event = Event { reason: Some(&reason), visible: "staff", ..Event::of(Verb::Give, before.state) };
        let by = By { person: Some(turn.actor.person), role: Role::Admin.as_str() };
        let after = Ticket { handler: to, ..before.clone() };
        let Some(after) = record(turn, &before, after, by, event).await? else { continue };
        if to.is_none() {
            let reply = Reply::both(
                wording::handed_back(&show::group_label(&after, &directory), name, after.seq),
                wording::handed_back(&show::label(&after, &directory), name, after.seq),
            );
            tell_role(turn, &after, Role::Liaison, Class::Batch, reply);
        }
    }
    Ok(())
}
