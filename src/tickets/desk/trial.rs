//! 试派: what the rules would do with words.

use crate::{
    bot::{Submitted, Turn, dialog::Answers},
    error::{Error, Result},
    people::Actor,
};

/// 试派.
pub(super) async fn trial(_turn: &mut Turn<'_, Actor>, _answers: &Answers) -> Result<Submitted> {
    Err(Error::fault("trial is not built"))
}
