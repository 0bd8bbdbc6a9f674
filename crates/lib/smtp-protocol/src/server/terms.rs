//! What holds for a session: limits for every peer, terms for this one.

use sasl::Mechanisms;

use super::requests::Offered;
use crate::path::is_hello_name;

/// Limits that hold for every peer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Commands that are none, or badly written, or out of place, before the session is closed.
    pub bad_commands: u32,
    /// Refusals by rules (5xx) before the session is closed.
    pub refusals: u32,
    /// Commands since the last message was taken, recipients and chunks not counted, before the
    /// session is closed: whoever only says NOOP, RSET or MAIL holds a place for nothing.
    pub idle_commands: u32,
    /// Failed logins before the session is closed.
    pub failed_logins: u32,
    /// Octets of a line of text. RFC 5321 §4.5.3.1.6 asks for 998, real mail has longer ones.
    pub text_line: usize,
    /// Octets of a refused message that are read on to its end before the connection is closed.
    pub refused_octets: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bad_commands: 10,
            refusals: 100,
            idle_commands: 100,
            failed_logins: 3,
            text_line: 1024 * 1024,
            refused_octets: 256 * 1024 * 1024,
        }
    }
}

/// What this peer is offered; the driver sets it anew when trust or protection changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// STARTTLS is possible and not yet done.
    pub starttls: bool,
    /// AUTH is possible on the connection as it is.
    pub auth: bool,
    /// By which mechanisms.
    pub mechanisms: Mechanisms,
    /// MAIL only behind AUTH (RFC 6409 §4.3).
    pub auth_required: bool,
    /// XCLIENT is possible: the peer is a proxy that has not told for whom it speaks.
    pub xclient: bool,
    /// Octets of a message: announced, and enforced while it comes; 0 is no limit.
    pub size: u64,
    /// What is announced by LIMITS (RFC 9422).
    pub announced: Announced,
    /// ETRN is offered. One that says it all the same is the driver's to refuse.
    pub etrn: bool,
    /// REQUIRETLS is offered: only within TLS (RFC 8689 §2).
    pub require_tls: bool,
    /// What devices say against the grammar is taken: EHLO with any name or none, a path without a
    /// domain, lines that end in LF alone. The driver completes the line ends of a message.
    pub lenient: bool,
    /// What may be asked of when and how soon a message goes on.
    pub offered: Offered,
    /// Refusals before the session is closed, where that is fewer than [`Limits::refusals`];
    /// 0 is no limit of its own.
    pub refusals: u32,
}

/// Limits that a client can plan by (RFC 9422 §4); 0 is not announced. They are the driver's to
/// keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// MAILMAX: messages of a session.
    pub messages: u32,
    /// RCPTMAX: recipients of a message.
    pub recipients: u32,
}

/// How the peer has introduced itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The name given: a domain or an address literal; any text without control characters, or none,
    /// of a peer who is treated leniently.
    pub name: String,
    /// By EHLO.
    pub extended: bool,
}

impl Hello {
    /// Whether the name may be one of a host.
    pub fn is_host(&self) -> bool {
        is_hello_name(&self.name)
    }
}
