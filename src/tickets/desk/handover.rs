//! Work in hand when somebody goes: back to the unit's liaison, or to the new one.

use super::tell_role;
use crate::{
    bot::Turn,
    error::Result,
    message::Reply,
    outbox::Class,
    people::{Actor, Role},
    tickets::{
        State, Ticket,
        columns::{self, COLUMNS, read},
        life::Verb,
        show,
        store::{self, At, By, Event},
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
    let keys = turn.actor.office.keys.clone();
    let directory = turn.actor.office.directory.clone();
    for before in tickets {
        let mut after = before.clone();
        after.handler = to;
        let replaced = columns::replaced(&columns::changed(&before, &after));
        if !store::update(turn.tx, &before, &mut after, 1).await? {
            continue;
        }
        let reason = if to.is_some() { name.to_owned() } else { wording::handed_back_event(name) };
        let event = Event {
            verb: Verb::Give,
            from: Some(before.state),
            to: after.state,
            reason: Some(&reason),
            payload: None,
            visible: "staff",
            before: replaced,
        };
        let at = At { ticket: after.id, seq: after.events, turn_key: turn.key, now: turn.now };
        let by = By { person: Some(turn.actor.person), role: Role::Admin.as_str() };
        store::event(turn.tx, &keys, at, by, event).await?;
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
