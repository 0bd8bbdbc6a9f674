//! The server's side of a session (RFC 5321 and the extensions that its EHLO names).
//!
//! ```text
//!            HELO/EHLO           MAIL            RCPT               DATA / BDAT
//!   Start ─────────────▶ Ready ───────▶ Mail ──────────▶ Recipients ───────────▶ (content)
//!                          ▲              │  RSET, EHLO       │                      │
//!                          └──────────────┴───────────────────┴──────────────────────┘
//!   STARTTLS leads back to Start.
//! ```
//!
//! The driver owns socket and clock. It calls [`Session::next`] with the input and handles the returned
//! [`Event`]. An event that is a question (such as [`Event::Mail`]) is answered with [`Session::accept`],
//! [`Session::refuse`] or a method for that event; the session writes the reply. The table of commands is
//! [`table`].

mod auth;
mod commands;
mod content;
mod event;
mod line;
mod parameters;
mod phase;
mod requests;
mod session;
mod standing;
mod table;
mod terms;

pub use commands::etrn::{Node, QueueRun};
pub use commands::mail::{Body, Mail, ReturnContent};
pub use commands::rcpt::{Notify, Rcpt};
pub use commands::xclient::Xclient;
pub use content::{Fault, TextLines};
pub use event::{CloseReason, Event, Misspoken};
pub use requests::{Hold, HoldLimit, Offered, Requests};
pub use session::Session;
pub use terms::{Announced, Hello, Limits, Terms};
