//! Who makes a call.

use api::mailbox::v1::Actor;

use crate::{Error, Result};

/// The user who asks. Nobody asks for nobody.
pub(super) fn user(actor: Option<Actor>) -> Result<i64> {
    let user_id = actor.map_or(0, |actor| actor.user_id);
    match user_id {
        0 => Err(Error::Invalid("the call does not say who asks".into())),
        user_id => Ok(user_id),
    }
}
