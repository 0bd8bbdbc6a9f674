//! What holds for a session: limits for every peer, terms for this one.

/// Limits that hold for every peer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Commands that are none, or badly written, or out of place, before the session is closed.
    pub bad_commands: u32,
    /// Refusals by rules (5xx) before the session is closed.
    pub refusals: u32,
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
    /// MAIL only behind AUTH (RFC 6409 §4.3).
    pub auth_required: bool,
    /// XCLIENT is possible: the peer is a proxy that has not told for whom it speaks.
    pub xclient: bool,
    /// Octets of a message: announced, and enforced while it comes; 0 is no limit.
    pub size: u64,
}

/// How the peer has introduced itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The name given.
    pub name: String,
    /// By EHLO.
    pub extended: bool,
}
