//! The actor of a request, together with the calling process.

use api::actor::{Asking, ByActor};
use api::grpc::{Request, Status};
use service_kit::Caller;

/// The actor of a request.
pub(crate) fn asking<T: ByActor>(request: &Request<T>) -> Result<Asking<'_>, Status> {
    Asking::of(request, Caller::of(request.extensions()).names())
}

/// The names of the calling process, usually one.
pub(crate) fn process(caller: Caller) -> String {
    caller.names().collect::<Vec<_>>().join(", ")
}

/// The administrator of a request; an error for every other actor.
pub(crate) fn administrator<T: ByActor>(request: &Request<T>) -> Result<Asking<'_>, Status> {
    asking(request)?.as_administrator()
}
