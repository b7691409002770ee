//! Against a decision: 申诉, 恢复, 不合理.

use crate::{
    bot::{Turn, dialog::Answers},
    error::{Error, Result},
    message::Reply,
    people::Actor,
    tickets::Ticket,
};

/// 申诉.
pub(super) async fn appeal(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("appeal is not built"))
}

/// 恢复.
pub(super) async fn restore(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("restore is not built"))
}

/// 不合理.
pub(super) async fn unreasonable(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("unreasonable is not built"))
}
