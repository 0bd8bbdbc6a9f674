//! Sender authentication of a message: reverse DNS, SPF (RFC 7208), DKIM (RFC 6376, RFC 8463), DMARC (RFC
//! 7489) and ARC (RFC 8617), and other DNS facts about a peer and a sender. A thin layer over the crate
//! `mail-auth`, whose types do not leave this crate.
//!
//! ```text
//!  MAIL            Authenticator::check_sender(session)            → SenderFindings   (spawn it)
//!  header section  Authenticator::begin(methods, header)           → MessageCheck     (keys are looked up)
//!  text            MessageCheck::text(piece)                          hashed as it passes
//!  end             Authenticator::finish(check, sender, …)         → Findings
//!                  Findings::facts()                               → rules::AuthenticationFacts
//!                  Findings::header_field(authserv_id)             → Authentication-Results
//! ```
//!
//! A message is never buffered: only the hashes needed by its signatures are kept (I7). Look-ups are
//! bounded in number and time, and answers are cached for their TTL. A missing DNS answer gives a
//! `temperror`, never more. This crate decides nothing; `rules` does.

mod arc;
mod authenticator;
mod authors;
mod dkim;
mod dmarc;
mod dns;
mod domain;
mod findings;
mod forged;
mod header_field;
mod lists;
mod memory;
mod message_check;
mod methods;
mod reverse_name;
mod sender;
mod shared;

pub use authenticator::Authenticator;
pub use dns::{Dns, is_absence};
pub use findings::{Findings, Method, Reported};
pub use forged::without_forged;
pub use header_field::{MARKS, marks};
pub use message_check::MessageCheck;
pub use methods::Methods;
pub use reverse_name::ReverseNames;
pub use sender::{SenderFindings, Session};
