//! The second person: 同意, 不同意.

use crate::{
    bot::{Turn, dialog::Answers},
    error::{Error, Result},
    message::Reply,
    people::Actor,
    tickets::Ticket,
};

/// 同意.
pub(super) async fn agree(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("agree is not built"))
}

/// 不同意.
pub(super) async fn disagree(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("disagree is not built"))
}
