//! ETRN (RFC 1985): starts delivery of the mail that waits for a domain. The driver decides who may do so.

use super::Command;
use crate::Reply;
use crate::path::is_hello_name;
use crate::server::standing::Standing;

/// The mail to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// A domain, as written.
    pub domain: String,
    /// `@`: also its subdomains (§5.3).
    pub subdomains: bool,
}

/// The result (RFC 1985 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueRun {
    /// Started; the number of waiting messages is unknown.
    Begun,
    /// Nothing waits.
    NothingWaits,
    /// Started for too many messages to count.
    SomeWait,
    /// Started for this number of messages.
    Wait(u64),
}

impl QueueRun {
    pub(in crate::server) fn reply(self) -> Reply {
        match self {
            Self::Begun => Reply::new(250, 0, 0, "Queuing started"),
            Self::NothingWaits => Reply::new(251, 0, 0, "No messages waiting"),
            Self::SomeWait => Reply::new(252, 0, 0, "Pending messages started"),
            Self::Wait(count) => {
                Reply::new(253, 0, 0, "").with_text(format!("{count} pending messages started"))
            }
        }
    }
}

pub(in crate::server) fn read(arguments: &str, _: &Standing<'_>) -> Result<Command, Reply> {
    let text = arguments.trim_start_matches(' ');
    if text.starts_with('#') {
        return Err(Reply::new(458, 3, 3, "There are no queues that have names"));
    }
    let (domain, subdomains) = match text.strip_prefix('@') {
        Some(domain) => (domain, true),
        None => (text, false),
    };
    if !is_hello_name(domain) {
        return Err(Reply::new(501, 5, 4, "Give a domain"));
    }
    Ok(Command::Etrn(Node {
        domain: domain.to_owned(),
        subdomains,
    }))
}
