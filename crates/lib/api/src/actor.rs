//! The actor of a call: the person or client for whom a service calls. Permissions and the recorded author depend on both
//! the actor and the service.

use std::net::IpAddr;

use tonic::{Request, Status};

use crate::directory::v1 as directory;
use crate::policy::v1 as policy;
use crate::queue::v1 as queue;
use crate::rights::may_ask_for;
use v1::{Actor, ActorKind};

/// Generated code: `postern.actor.v1`.
pub mod v1 {
    #![allow(missing_docs, clippy::all, unreachable_pub)] // Generated; documented in proto/.
    tonic::include_proto!("postern.actor.v1");
}

/// Octets of a name.
const LONGEST_NAME: usize = 320;

impl Actor {
    /// A user who has logged in.
    pub fn user(user_id: i64, login: impl Into<String>, peer: impl ToString) -> Self {
        Self {
            kind: ActorKind::User.into(),
            user_id,
            name: login.into(),
            peer_address: peer.to_string(),
        }
    }

    /// A client of a front end, and the login that it has, if any.
    pub fn peer(address: impl ToString, login: Option<&str>) -> Self {
        Self {
            kind: ActorKind::Peer.into(),
            name: login.unwrap_or_default().to_owned(),
            peer_address: address.to_string(),
            ..Self::default()
        }
    }

    /// An administrator. `address`: the client's, where it is on another machine.
    pub fn administrator(name: impl Into<String>, address: Option<IpAddr>) -> Self {
        Self {
            kind: ActorKind::Administrator.into(),
            name: name.into(),
            peer_address: address
                .map(|address| address.to_string())
                .unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// A request with an actor.
pub trait ByActor {
    /// The actor, if the request names one.
    fn actor(&self) -> Option<&Actor>;
}

macro_rules! by_actor {
    ($($request:ty),* $(,)?) => {$(
        impl ByActor for $request {
            fn actor(&self) -> Option<&Actor> {
                self.actor.as_ref()
            }
        }
    )*};
}

by_actor![
    directory::AddUserRequest,
    directory::ListUsersRequest,
    directory::RemoveUserRequest,
    directory::SetPasswordRequest,
    directory::AddAppPasswordRequest,
    directory::ListAppPasswordsRequest,
    directory::RemoveAppPasswordRequest,
    policy::ApplyPolicyRequest,
    policy::SetSecretRequest,
    policy::RemoveSecretRequest,
    queue::ReadMessageRequest,
    queue::ListMessagesRequest,
    queue::ShowMessageRequest,
    queue::FindMessageRequest,
    queue::SearchHistoryRequest,
    queue::RetryNowRequest,
    queue::ListQuarantinedRequest,
    queue::ReleaseQuarantinedRequest,
    queue::RemoveQuarantinedRequest,
    queue::ListRefusalsRequest,
];

/// An actor and the service that may call for it.
#[derive(Debug)]
pub struct Asking<'a> {
    /// The person or client.
    pub actor: &'a Actor,
    service: &'static str,
}

impl<'a> Asking<'a> {
    /// The actor of a request. `services` are the names of the calling process, from the connection.
    ///
    /// # Errors
    /// INVALID_ARGUMENT without a valid actor, PERMISSION_DENIED if the service may not call for this actor.
    pub fn of<T: ByActor>(
        request: &'a Request<T>,
        services: impl Iterator<Item = &'static str>,
    ) -> Result<Self, Status> {
        let actor = request.get_ref().actor();
        let actor = actor.filter(|actor| actor.kind() != ActorKind::Unspecified);
        let actor = actor.ok_or_else(|| Status::invalid_argument("the call names no actor"))?;
        check(actor).map_err(Status::invalid_argument)?;
        let mut known = Vec::new();
        for service in services {
            if may_ask_for(service, actor.kind()) {
                return Ok(Self { actor, service });
            }
            known.push(service);
        }
        let kind = kind_name(actor.kind());
        let service = known.join(", ");
        Err(refused(
            actor,
            &service,
            format!("{service} may not make calls for {kind}"),
        ))
    }

    /// The same, if the actor is an administrator.
    ///
    /// # Errors
    /// PERMISSION_DENIED for other actors.
    pub fn as_administrator(self) -> Result<Self, Status> {
        match self.actor.kind() {
            ActorKind::Administrator => Ok(self),
            _ => Err(self.refused("only an administrator may ask for this")),
        }
    }

    /// The error for a call that this actor may not make.
    #[must_use]
    pub fn refused(&self, why: &str) -> Status {
        refused(self.actor, self.service, why.to_owned())
    }

    /// The author for the log and the history: name, service and address.
    #[must_use]
    pub fn author(&self) -> String {
        let Actor {
            name, peer_address, ..
        } = self.actor;
        let service = self.service;
        match (name.as_str(), peer_address.as_str()) {
            (name, "") => format!("{name} ({service})"),
            ("", from) => format!("{from} ({service})"),
            (name, from) => format!("{name} ({service}, from {from})"),
        }
    }
}

fn refused(actor: &Actor, service: &str, why: String) -> Status {
    let kind = kind_name(actor.kind());
    let (actor, peer) = (&actor.name, &actor.peer_address);
    tracing::warn!(
        actor,
        kind,
        peer,
        service,
        why,
        "a call was refused for its actor"
    );
    Status::permission_denied(why)
}

fn kind_name(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Unspecified => "nobody",
        ActorKind::User => "a user",
        ActorKind::Administrator => "an administrator",
        ActorKind::Peer => "a client",
    }
}

/// Checks the fields of an actor.
fn check(actor: &Actor) -> Result<(), String> {
    let Actor {
        kind: _,
        user_id,
        name,
        peer_address,
    } = actor;
    let is_user = actor.kind() == ActorKind::User;
    if is_user != (*user_id != 0) {
        return Err("only an actor of kind user has a user id, and it must have one".to_owned());
    }
    if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(format!(
            "an actor's name has at most {LONGEST_NAME} octets and no control characters"
        ));
    }
    if name.is_empty() && actor.kind() == ActorKind::Administrator {
        return Err("an actor of kind administrator must have a name".to_owned());
    }
    if !peer_address.is_empty() && peer_address.parse::<IpAddr>().is_err() {
        return Err("the actor's peer address is not an IP address".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use tonic::Code;

    use super::*;
    use crate::queue::v1::ShowMessageRequest;
    use crate::rights::{CALLERS, COLLECTOR, DELIVERY, IMAP, POP3, POSTERN, SMTP_SERVER};

    fn request(actor: impl Into<Option<Actor>>) -> Request<ShowMessageRequest> {
        Request::new(ShowMessageRequest {
            actor: actor.into(),
            message_id: 1,
        })
    }

    fn code(request: &Request<ShowMessageRequest>, service: &'static str) -> Option<Code> {
        let asking = Asking::of(request, std::iter::once(service));
        asking.err().map(|status| status.code())
    }

    #[test]
    fn a_service_makes_calls_only_for_its_kinds_of_actor() {
        let user = request(Actor::user(5, "bob@example.test", "192.0.2.1"));
        let administrator = request(Actor::administrator("root", None));
        let peer = request(Actor::peer("192.0.2.1", None));
        for (service, expected) in [
            (SMTP_SERVER, [false, false, true]),
            (DELIVERY, [false; 3]),
            (IMAP, [true, false, false]),
            (POP3, [true, false, false]),
            (COLLECTOR, [false; 3]),
            (POSTERN, [true, true, false]),
        ] {
            assert!(CALLERS.contains(&service));
            let found = [&user, &administrator, &peer].map(|request| {
                let code = code(request, service);
                assert!(code.is_none_or(|code| code == Code::PermissionDenied));
                code.is_none()
            });
            assert_eq!(found, expected, "{service}");
        }
        let nobody = Asking::of(&administrator, std::iter::empty());
        assert_eq!(nobody.unwrap_err().code(), Code::PermissionDenied);
    }

    #[test]
    fn a_call_without_a_valid_actor_is_refused() {
        let administrator = |name: &str| Actor::administrator(name, None);
        for actor in [
            None,
            Some(Actor::default()),
            Some(administrator("")),
            Some(administrator(&"x".repeat(LONGEST_NAME + 1))),
            Some(administrator("a\nb")),
            Some(Actor::user(0, "bob@example.test", "192.0.2.1")),
            Some(Actor::user(5, "bob@example.test", "somewhere")),
            Some(Actor {
                user_id: 5,
                ..administrator("root")
            }),
        ] {
            let code = code(&request(actor.clone()), POSTERN);
            assert_eq!(code, Some(Code::InvalidArgument), "{actor:?}");
        }
    }

    #[test]
    fn the_author_is_the_actor_by_the_service() {
        let near = request(Actor::administrator("root", None));
        let far = request(Actor::administrator("root", Some([192, 0, 2, 1].into())));
        let user = request(Actor::user(5, "bob@example.test", "192.0.2.1"));
        for (request, author, may) in [
            (&near, "root (postern)", true),
            (&far, "root (postern, from 192.0.2.1)", true),
            (&user, "bob@example.test (postern, from 192.0.2.1)", false),
        ] {
            let asking = Asking::of(request, std::iter::once(POSTERN)).unwrap();
            assert_eq!(asking.author(), author);
            assert_eq!(asking.as_administrator().is_ok(), may);
        }
    }
}
