//! The actor of a call.

use api::actor::v1::{Actor, ActorKind};
use api::actor::{Asking, ByActor};
use api::grpc::{Request, Status};
use service_kit::Caller;

use crate::users::By;
use crate::{Error, Result};

/// The actor of a call to the mail of a user; an error unless the actor is a user.
pub(super) fn known(actor: Option<Actor>) -> Result<Actor> {
    actor
        .filter(|actor| actor.kind() == ActorKind::User && actor.user_id != 0)
        .ok_or_else(|| Error::Invalid("the call names no user as its actor".into()))
}

/// The id of the user who is the actor of a call; an error for every other actor.
pub(super) fn user(actor: Option<Actor>) -> Result<i64> {
    known(actor).map(|actor| actor.user_id)
}

/// The actor of a request of directory.v1, together with the calling process.
fn asking<T: ByActor>(request: &Request<T>) -> Result<Asking<'_>, Status> {
    Asking::of(request, Caller::of(request.extensions()).names())
}

/// The administrator of a request, as author for the log; an error for every other actor.
pub(super) fn administrator<T: ByActor>(request: &Request<T>) -> Result<String, Status> {
    Ok(asking(request)?.as_administrator()?.author())
}

/// The administrator or user of a request, and the author for the log.
pub(super) fn administrator_or_user<T: ByActor>(
    request: &Request<T>,
) -> Result<(By, String), Status> {
    let asking = asking(request)?;
    let by = match asking.actor.kind() {
        ActorKind::Administrator => By::Administrator,
        ActorKind::User => By::User(asking.actor.user_id),
        ActorKind::Peer | ActorKind::Unspecified => {
            return Err(asking.refused("only an administrator or a user may ask for this"));
        }
    };
    Ok((by, asking.author()))
}
