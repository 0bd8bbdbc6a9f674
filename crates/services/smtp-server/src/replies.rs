//! Replies of this service. They come from a closed list and reveal nothing internal.

use rules::Verdict;
use smtp_protocol::{EnhancedCode, Reply};

/// No policy, directory or queue (I8).
pub(crate) const UNAVAILABLE: Reply = Reply::new(451, 3, 0, "Temporarily unable, try again later");
/// The same at the greeting.
pub(crate) const NOT_NOW: Reply = Reply::new(421, 3, 2, "Service not available, try again later");
/// The server drains.
pub(crate) const SHUTTING_DOWN: Reply = Reply::new(421, 3, 2, "Service shutting down");
/// The connection has reached its limit of messages.
pub(crate) const ENOUGH: Reply = Reply::new(421, 7, 0, "Too many messages, please connect again");
/// A proxy's client has its maximum number of connections.
pub(crate) const NO_ROOM: Reply = Reply::new(421, 3, 2, "Too many connections, try again later");
/// Another client needed the slot, and this one was idle for the longest.
pub(crate) const DISPLACED: Reply =
    Reply::new(421, 3, 2, "Too many connections, this one was idle");
/// The client was silent for too long.
pub(crate) const TIMEOUT: Reply = Reply::new(421, 4, 2, "Timeout, closing connection");
pub(crate) const LOGIN_FAILED: Reply = Reply::new(535, 7, 8, "Authentication failed");
pub(crate) const LOGIN_LATER: Reply =
    Reply::new(454, 7, 0, "Too many failed logins, try again later");
pub(crate) const LOGIN_UNAVAILABLE: Reply =
    Reply::new(454, 7, 0, "Temporary authentication failure");
pub(crate) const NO_ADDRESS: Reply = Reply::new(501, 1, 3, "Give a complete address");
/// RFC 1985 §5.2.
pub(crate) const NO_QUEUE_RUN: Reply =
    Reply::new(458, 3, 0, "Unable to queue messages, try again later");
pub(crate) const NO_DOMAIN: Reply = Reply::new(501, 5, 4, "Give a domain");
/// Signed or encrypted parts are not changed (RFC 3463 §3.7).
pub(crate) const BINARY_SEALED: Reply = Reply::new(
    554,
    6,
    2,
    "Signed or encrypted content has a binary part: encode it first",
);
/// RFC 3463 §3.7.
pub(crate) const BINARY_UNCLEAR: Reply = Reply::new(
    554,
    6,
    3,
    "The binary parts of this message cannot be converted: encode them first",
);
pub(crate) const HEADER_TOO_LARGE: Reply = Reply::new(552, 3, 4, "Header section too large");
pub(crate) const TOO_MANY_FIELDS: Reply = Reply::new(552, 3, 4, "Too many header fields");
pub(crate) const NUL: Reply = Reply::new(550, 6, 0, "Message holds a NUL octet");
pub(crate) const TOO_LATE: Reply = Reply::new(554, 4, 7, "Delivery time expired");
pub(crate) const LOOP: Reply = Reply::new(554, 4, 6, "Too many hops");
pub(crate) const REFUSED_BY_QUEUE: Reply = Reply::new(554, 6, 0, "Message refused");

/// The reply for a verdict.
pub(crate) fn of_verdict(verdict: &Verdict) -> Reply {
    Reply {
        code: verdict.code,
        enhanced: EnhancedCode::split(verdict.enhanced).map(|(code, _)| code),
        text: verdict.text.into(),
    }
}
