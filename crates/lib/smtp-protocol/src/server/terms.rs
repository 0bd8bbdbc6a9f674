//! Limits for every peer, and the terms for one session.

use sasl::Mechanisms;

use super::requests::Offered;
use crate::path::is_hello_name;

/// Limits that hold for every peer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Unknown, malformed or misplaced commands before the session is closed.
    pub bad_commands: u32,
    /// Refusals by rules (5xx) before the session is closed.
    pub refusals: u32,
    /// Commands since the last accepted message, without recipients and chunks, before the session is
    /// closed: a client that only sends NOOP, RSET or MAIL occupies a slot without use.
    pub idle_commands: u32,
    /// Failed logins before the session is closed.
    pub failed_logins: u32,
    /// Maximum octets of a line of text. RFC 5321 §4.5.3.1.6 requires 998; real mail has longer ones.
    pub text_line: usize,
    /// Octets of a refused message that are read before the connection is closed.
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

/// The terms for this peer; the driver updates them when trust or TLS changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// STARTTLS is possible and not yet active.
    pub starttls: bool,
    /// AUTH is possible on the connection in its current state.
    pub auth: bool,
    /// The offered mechanisms.
    pub mechanisms: Mechanisms,
    /// MAIL requires AUTH (RFC 6409 §4.3).
    pub auth_required: bool,
    /// XCLIENT is possible: the peer is a proxy that has not given its client yet.
    pub xclient: bool,
    /// Maximum octets of a message: announced, and enforced during the transfer; 0 is no limit.
    pub size: u64,
    /// The limits announced by LIMITS (RFC 9422).
    pub announced: Announced,
    /// ETRN is offered. If it is not, the driver refuses the command.
    pub etrn: bool,
    /// REQUIRETLS is offered: only within TLS (RFC 8689 §2).
    pub require_tls: bool,
    /// Deviations of devices from the grammar are accepted: EHLO with any name or none, in Latin-1 too; a path
    /// without a domain, after a display name, with blanks or a bracket missing; MAIL and RCPT without the
    /// colon; SIZE without a value; lines that end with LF alone. The driver completes the line ends of a
    /// message.
    pub lenient: bool,
    /// The offered extensions for time and priority.
    pub offered: Offered,
    /// Refusals before the session is closed, if fewer than [`Limits::refusals`]; 0 is no separate limit.
    pub refusals: u32,
}

/// Limits announced to clients (RFC 9422 §4); 0 is not announced. The driver enforces them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// MAILMAX: messages of a session.
    pub messages: u32,
    /// RCPTMAX: recipients of a message.
    pub recipients: u32,
}

/// The peer's HELO or EHLO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The given name: a domain or an address literal; from a leniently treated peer any text without
    /// control characters, or none.
    pub name: String,
    /// By EHLO.
    pub extended: bool,
}

impl Hello {
    /// Whether the name may be a host name.
    pub fn is_host(&self) -> bool {
        is_hello_name(&self.name)
    }
}
