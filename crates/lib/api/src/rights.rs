//! The permissions of callers. Queue and mailbox-store refuse every call that is not listed here for its
//! caller, so that a compromised front end cannot reveal secrets, set passwords or change the policy.
//!
//! The kinds of actor ([`crate::actor`]) that a caller may make calls for are listed here, too. Which data an actor
//! may read or change is decided by the service that stores the data.

use std::error::Error as _;
use std::time::Duration;

use tokio::time::timeout;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::actor::v1::ActorKind;
use crate::grpc::Channel;

/// Longer than any answer takes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The front end for incoming mail and submission.
pub const SMTP_SERVER: &str = "smtp-server";
/// The delivery worker.
pub const DELIVERY: &str = "delivery";
/// The IMAP front end.
pub const IMAP: &str = "imap";
/// The POP3 front end.
pub const POP3: &str = "pop3";
/// The client of remote accounts.
pub const COLLECTOR: &str = "collector";
/// The command line: an administrator.
pub const POSTERN: &str = "postern";

/// All callers, by the names in their certificates.
pub const CALLERS: [&str; 6] = [SMTP_SERVER, DELIVERY, IMAP, POP3, COLLECTOR, POSTERN];

/// The calls of a service, each with its permitted callers.
pub type Calls = &'static [(&'static str, &'static [&'static str])];

/// The calls of each service.
pub const SERVICES: &[(&str, Calls)] = &[
    (
        "postern.queue.v1.Queue",
        &[
            ("Enqueue", &[SMTP_SERVER, COLLECTOR, POSTERN]),
            ("StoreText", &[SMTP_SERVER, COLLECTOR, POSTERN]),
            ("Lease", &[DELIVERY]),
            ("Complete", &[DELIVERY]),
            ("ReadMessage", &[POSTERN]),
            ("ReadBody", &[DELIVERY]),
            ("ListMessages", &[POSTERN]),
            ("ShowMessage", &[POSTERN]),
            ("FindMessage", &[POSTERN]),
            ("SearchHistory", &[POSTERN]),
            // ETRN.
            ("RetryNow", &[SMTP_SERVER, POSTERN]),
            ("GetStatistics", &[POSTERN]),
        ],
    ),
    (
        "postern.queue.v1.Storage",
        &[("GetFreeSpace", &[SMTP_SERVER, COLLECTOR, POSTERN])],
    ),
    (
        "postern.queue.v1.Quarantine",
        &[
            ("ListQuarantined", &[POSTERN]),
            ("ReleaseQuarantined", &[POSTERN]),
            ("RemoveQuarantined", &[POSTERN]),
        ],
    ),
    (
        "postern.queue.v1.Refusals",
        &[
            ("ReportRefusals", &[SMTP_SERVER, IMAP, POP3]),
            ("ListRefusals", &[POSTERN]),
        ],
    ),
    (
        "postern.throttle.v1.Throttle",
        &[("Count", &[SMTP_SERVER]), ("Greylist", &[SMTP_SERVER])],
    ),
    (
        "postern.policy.v1.Policy",
        &[
            ("GetPolicy", &[POSTERN]),
            ("ApplyPolicy", &[POSTERN]),
            ("ListRevisions", &[POSTERN]),
            ("WatchPolicy", &[SMTP_SERVER, DELIVERY, COLLECTOR]),
            ("SetSecret", &[POSTERN]),
            ("ListSecrets", &[POSTERN]),
            ("RemoveSecret", &[POSTERN]),
            // Those of logins at gateways, and at remote accounts.
            ("RevealSecret", &[DELIVERY, COLLECTOR]),
        ],
    ),
    (
        "postern.collection.v1.Collection",
        &[
            ("ClaimAccount", &[COLLECTOR]),
            ("BeginPoll", &[COLLECTOR]),
            ("NoteMessage", &[COLLECTOR]),
            ("ReportPoll", &[COLLECTOR]),
            ("FindCollected", &[COLLECTOR]),
            ("FindByHeader", &[COLLECTOR]),
            ("RenameCollected", &[COLLECTOR]),
            ("ForgetCollected", &[COLLECTOR]),
            ("ListAccounts", &[POSTERN]),
        ],
    ),
    (
        "postern.directory.v1.Directory",
        &[
            ("AddUser", &[POSTERN]),
            ("ListUsers", &[POSTERN]),
            ("RemoveUser", &[POSTERN]),
            ("SetPassword", &[POSTERN]),
            ("Login", &[SMTP_SERVER, IMAP, POP3]),
            ("WatchMechanisms", &[SMTP_SERVER, IMAP, POP3]),
            ("AddAppPassword", &[POSTERN]),
            ("ListAppPasswords", &[POSTERN]),
            ("RemoveAppPassword", &[POSTERN]),
            ("FindUsers", &[SMTP_SERVER, COLLECTOR, POSTERN]),
            ("WatchUsers", &[SMTP_SERVER]),
        ],
    ),
    (
        "postern.mailbox.v1.MailboxStore",
        &[
            ("Deliver", &[DELIVERY]),
            ("ListMailboxes", &[IMAP]),
            ("CreateMailbox", &[IMAP]),
            ("DeleteMailbox", &[IMAP]),
            ("RenameMailbox", &[IMAP]),
            ("SetSubscribed", &[IMAP]),
            ("GetStatus", &[IMAP]),
            ("Select", &[IMAP]),
            ("GetChanges", &[IMAP]),
            ("Watch", &[IMAP]),
            ("Fetch", &[IMAP, POP3]),
            ("ReadMessage", &[IMAP, POP3]),
            ("Search", &[IMAP]),
            ("StoreFlags", &[IMAP, POP3]),
            ("StoreText", &[IMAP]),
            ("Append", &[IMAP]),
            ("Copy", &[IMAP]),
            ("Move", &[IMAP]),
            ("Expunge", &[IMAP, POP3]),
            ("LockMaildrop", &[POP3]),
        ],
    ),
    ("postern.mailbox.v1.Upkeep", &[("GetUpkeep", &[POSTERN])]),
];

/// The kinds of actor that each service may make calls for. The other services make none for an actor.
const ASKS_FOR: &[(&str, &[ActorKind])] = &[
    (SMTP_SERVER, &[ActorKind::Peer]),
    (IMAP, &[ActorKind::User]),
    (POP3, &[ActorKind::User]),
    (POSTERN, &[ActorKind::Administrator, ActorKind::User]),
];

/// Whether this service may make calls for such an actor.
#[must_use]
pub fn may_ask_for(service: &str, kind: ActorKind) -> bool {
    let kinds = ASKS_FOR.iter().find(|(name, _)| *name == service);
    kinds.is_some_and(|(_, kinds)| kinds.contains(&kind))
}

/// The permitted callers of the call with this path (`/postern.queue.v1.Queue/Enqueue`). An unknown call is
/// permitted to nobody.
#[must_use]
pub fn callers(path: &str) -> &'static [&'static str] {
    find(path).unwrap_or_default()
}

fn find(path: &str) -> Option<&'static [&'static str]> {
    let (service, call) = path.strip_prefix('/')?.split_once('/')?;
    let (_, calls) = SERVICES.iter().find(|(name, _)| *name == service)?;
    let (_, callers) = calls.iter().find(|(name, _)| *name == call)?;
    Some(callers)
}

/// Whether the server behind `channel` refuses the call of this path, for tests of servers: the call is
/// made with an empty request.
///
/// # Errors
/// If the server does not answer: that is neither a refusal nor a permission.
pub async fn is_refused(channel: Channel, path: &str) -> Result<bool, Status> {
    let path = PathAndQuery::try_from(path).unwrap_or_else(|_| PathAndQuery::from_static("/"));
    let mut client = tonic::client::Grpc::new(channel);
    let lost = |error| Status::unavailable(format!("the server cannot be reached: {error}"));
    client.ready().await.map_err(lost)?;
    let codec = ProstCodec::<(), ()>::default();
    let call = client.server_streaming(Request::new(()), path, codec);
    match timeout(ANSWER_TIMEOUT, call).await {
        Ok(Ok(_)) => Ok(false),
        // A server's status has no source: this one was made here.
        Ok(Err(status)) if status.source().is_some() => Err(status),
        Ok(Err(status)) => Ok(status.code() == Code::PermissionDenied),
        Err(_) => Err(Status::deadline_exceeded("no answer in time")),
    }
}

#[cfg(test)]
mod tests;
