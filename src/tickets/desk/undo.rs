//! 撤销: one's own last command is taken back.

use crate::{
    bot::Turn,
    error::{Error, Result},
    people::Actor,
};

/// 撤销.
///
/// # Errors
/// A sentence when there is nothing to take back, or somebody acted since.
pub async fn undo(_turn: &mut Turn<'_, Actor>) -> Result<()> {
    Err(Error::fault("undo is not built"))
}
