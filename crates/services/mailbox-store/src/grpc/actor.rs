//! The actor of a call.

use api::mailbox::v1::Actor;

use crate::{Error, Result};

/// The actor of a call. A call without one is refused.
pub(super) fn known(actor: Option<Actor>) -> Result<Actor> {
    actor
        .filter(|actor| actor.user_id != 0)
        .ok_or_else(|| Error::Invalid("the call does not say who asks".into()))
}

/// The user on whose behalf a call is made.
pub(super) fn user(actor: Option<Actor>) -> Result<i64> {
    known(actor).map(|actor| actor.user_id)
}
