//! 并单, 拆回, 拆单.

use crate::{
    bot::{Submitted, Turn, dialog::Answers},
    error::{Error, Result},
    message::Reply,
    people::Actor,
    tickets::Ticket,
};

/// 并单.
pub(super) async fn merge(_turn: &mut Turn<'_, Actor>, _answers: &Answers) -> Result<Submitted> {
    Err(Error::fault("merge is not built"))
}

/// 拆回.
pub(super) async fn unmerge(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("unmerge is not built"))
}

/// 拆单.
pub(super) async fn split(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("split is not built"))
}
