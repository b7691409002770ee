//! Time: 延期 with its answers, 挂账, 重启.

use crate::{
    bot::{Turn, dialog::Answers},
    error::{Error, Result},
    message::Reply,
    people::Actor,
    tickets::Ticket,
};

/// 延期.
pub(super) async fn extend(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("extend is not built"))
}

/// 同意延期.
pub(super) async fn extend_ok(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("extend_ok is not built"))
}

/// 不同意延期.
pub(super) async fn extend_no(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("extend_no is not built"))
}

/// 挂账.
pub(super) async fn shelve(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("shelve is not built"))
}

/// 重启.
pub(super) async fn resume(_turn: &mut Turn<'_, Actor>, _ticket: Ticket, _answers: &Answers) -> Result<Reply> {
    Err(Error::fault("resume is not built"))
}
