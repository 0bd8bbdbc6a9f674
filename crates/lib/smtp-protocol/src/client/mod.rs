//! The client's side of a session: greeting, EHLO, STARTTLS, login and transactions.
//!
//! ```text
//!  Greeting ─▶ Ehlo ─┬─▶ StartTls ─▶ (handshake) ─▶ Ehlo ─┬─▶ Login ─▶ Ready
//!                    └────────────────────────────────────┘          │  ▲
//!                                                     begin(envelope) │  │ Done
//!                                                                     ▼  │
//!                                    Envelope (MAIL, RCPT…) ─▶ Content ─▶ Final
//! ```
//!
//! [`Session::advance`] consumes replies from the input, writes commands to the output, and returns the
//! next step. The driver transfers bytes, runs the TLS handshake and supplies the content; time limits are
//! its own.

mod content;
mod envelope;
mod extensions;
mod login;
mod replies;
mod session;

#[cfg(test)]
mod tests;

pub use envelope::{Envelope, Recipient, ReturnContent};
pub use extensions::Extensions;
pub use session::{Answer, ClientError, Event, Options, Session, Stage, TlsUse};

/// A name and a password for AUTH.
#[derive(Clone)]
pub struct Login {
    /// Authentication identity.
    pub user: String,
    /// Its password.
    pub password: String,
}

/// Omits the password.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
