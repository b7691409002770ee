//! 更正.

use crate::{
    bot::{Turn, dialog::Answers},
    error::{Error, Result},
    message::Reply,
    people::Actor,
    tickets::Ticket,
};

/// 更正.
pub(super) async fn fix(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("fix is not built"))
}
