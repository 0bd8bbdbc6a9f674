//! The states of a session (RFC 9051 §3).
//!
//! ```text
//!                    +----------------------+
//!                    |connection established|
//!                    +----------------------+
//!                               ||
//!                               \/
//!             +--------------------------------------+
//!             |          server greeting             |
//!             +--------------------------------------+
//!                       || (1)       || (2)        || (3)
//!                       \/           ||            ||
//!             +-----------------+    ||            ||
//!             |Not Authenticated|    ||            ||
//!             +-----------------+    ||            ||
//!              || (7)   || (4)       ||            ||
//!              ||       \/           \/            ||
//!              ||     +----------------+           ||
//!              ||     | Authenticated  |<=++       ||
//!              ||     +----------------+  ||       ||
//!              ||       || (7)   || (5)   || (6)   ||
//!              ||       ||       \/       ||       ||
//!              ||       ||    +--------+  ||       ||
//!              ||       ||    |Selected|==++       ||
//!              ||       ||    +--------+           ||
//!              ||       ||       || (7)            ||
//!              \/       \/       \/                \/
//!             +--------------------------------------+
//!             |               Logout                 |
//!             +--------------------------------------+
//! ```
//! (1) OK greeting, (2) PREAUTH (we never), (3) BYE (too many connections, shutting down),
//! (4) LOGIN or AUTHENTICATE, (5) SELECT or EXAMINE, (6) CLOSE, UNSELECT, or a failed SELECT,
//! (7) LOGOUT, shutdown, autologout, connection lost.

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not logged in.
    NotAuthenticated,
    /// Logged in, no mailbox open.
    Authenticated,
    /// A mailbox is open.
    Selected,
    /// BYE was sent.
    Logout,
}

/// The states that allow a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Always.
    Any,
    /// Before the login.
    NotAuthenticated,
    /// After the login, with or without an open mailbox.
    Authenticated,
    /// With a mailbox open.
    Selected,
}

impl State {
    /// Whether a command of this phase is allowed now.
    #[must_use]
    pub fn allows(self, phase: Phase) -> bool {
        match (self, phase) {
            (Self::Logout, _) => false,
            (_, Phase::Any) => true,
            (state, Phase::NotAuthenticated) => state == Self::NotAuthenticated,
            (state, Phase::Authenticated) => state != Self::NotAuthenticated,
            (state, Phase::Selected) => state == Self::Selected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Phase, State};

    #[test]
    fn login_is_said_once() {
        assert!(State::NotAuthenticated.allows(Phase::NotAuthenticated));
        assert!(!State::Authenticated.allows(Phase::NotAuthenticated));
        assert!(!State::Selected.allows(Phase::NotAuthenticated));
    }

    #[test]
    fn fetch_needs_an_open_mailbox() {
        assert!(State::Selected.allows(Phase::Selected));
        assert!(!State::Authenticated.allows(Phase::Selected));
        assert!(State::Selected.allows(Phase::Authenticated));
    }

    #[test]
    fn nothing_follows_logout() {
        assert!(!State::Logout.allows(Phase::Any));
    }
}
