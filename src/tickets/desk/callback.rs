//! 回访: what a clerk hears on the telephone.

use crate::{
    bot::{Submitted, Turn, dialog::Answers},
    error::{Error, Result},
    people::Actor,
};

/// 回访.
pub(super) async fn callback(_turn: &mut Turn<'_, Actor>, _answers: &Answers) -> Result<Submitted> {
    Err(Error::fault("callback is not built"))
}
