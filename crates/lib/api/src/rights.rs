//! Who may call what. The services of the queue and of mailbox-store refuse every call that does not
//! stand here with its caller, so that a front end that is taken over cannot reveal secrets, set
//! passwords or change the policy.
//!
//! What the caller may do with whose data is not decided here: a call for a user says who asks
//! (`Actor` in mailbox.v1), and that is looked at where the data is.

use std::time::Duration;

use tokio::time::timeout;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

use crate::grpc::Channel;

/// How long an answer is waited for that is no refusal.
const SHORT: Duration = Duration::from_secs(2);

/// The receiving and submission front end.
const SMTP_SERVER: &str = "smtp-server";
/// The worker that delivers what is queued.
const DELIVERY: &str = "delivery";
/// The IMAP front end.
const IMAP: &str = "imap";
/// The POP3 front end.
const POP3: &str = "pop3";
/// The client of remote accounts.
const COLLECTOR: &str = "collector";
/// The command line: an administrator.
const POSTERN: &str = "postern";

/// All that call others, by the names that their certificates are for.
pub const CALLERS: [&str; 6] = [SMTP_SERVER, DELIVERY, IMAP, POP3, COLLECTOR, POSTERN];

/// The calls of a service, each with those who may make it.
pub type Calls = &'static [(&'static str, &'static [&'static str])];

/// Each call of each service.
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
            // Logins at gateways, and at remote accounts.
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

/// Who may make the call of this path (`/postern.queue.v1.Queue/Enqueue`). Nobody may make one that is
/// not known.
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

/// Whether the server behind `channel` refuses the call of this path to whoever calls, for tests of servers:
/// it is made with nothing in it.
pub async fn is_refused(channel: Channel, path: &str) -> bool {
    let path = PathAndQuery::try_from(path).unwrap_or_else(|_| PathAndQuery::from_static("/"));
    let mut client = tonic::client::Grpc::new(channel);
    if client.ready().await.is_err() {
        return false;
    }
    let codec = ProstCodec::<(), ()>::default();
    let call = client.server_streaming(Request::new(()), path, codec);
    // Who is let through may have to wait for an answer; a refusal is given at once.
    match timeout(SHORT, call).await {
        Ok(Err(status)) => status.code() == Code::PermissionDenied,
        Ok(Ok(_)) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests;
