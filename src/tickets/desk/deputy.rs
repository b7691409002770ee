//! What a deputy does with tickets: 上报, 转建议.

use crate::{
    bot::{Submitted, Turn, dialog::Answers},
    error::{Error, Result},
    message::Reply,
    people::Actor,
    tickets::Ticket,
};

/// 上报.
pub(super) async fn forward(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("forward is not built"))
}

/// 转建议.
pub(super) async fn to_suggestion(_turn: &mut Turn<'_, Actor>, _answers: &Answers) -> Result<Submitted> {
    Err(Error::fault("to_suggestion is not built"))
}
