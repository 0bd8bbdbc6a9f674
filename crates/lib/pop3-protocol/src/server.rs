//! The server's side.
//!
//! ```text
//!   greet ──▶ AUTHORIZATION ──Login──▶ TRANSACTION ──QUIT: Commit──▶ (closed)
//!               │   ▲  STLS                │  STAT LIST UIDL RETR TOP DELE RSET NOOP
//!               └───┘                      └─ connection lost: nothing is deleted
//! ```

mod command;
mod line;
mod maildrop;
pub mod reply;
mod session;
mod top;

pub use maildrop::{Maildrop, MaildropMessage};
pub use session::{Action, Refusal, Session, Settings};
pub use top::Top;
