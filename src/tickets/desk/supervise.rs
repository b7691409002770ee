//! 督办 and the reply to it.

use crate::{
    bot::{Turn, dialog::Answers},
    error::{Error, Result},
    message::Reply,
    people::Actor,
    tickets::Ticket,
};

/// 督办.
pub(super) async fn supervise(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("supervise is not built"))
}

/// 回复督办.
pub(super) async fn answer(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("answer is not built"))
}
