//! Who vouches for a message: reverse DNS, SPF (RFC 7208), DKIM (RFC 6376, RFC 8463), DMARC
//! (RFC 7489) and ARC (RFC 8617), and what else the DNS says of a peer and a sender. A thin layer
//! over the crate `mail-auth`: its types do not leave this crate.
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
//! A message is never held: of its text only the hashes that its signatures ask for are kept (I7).
//! Look-ups are bounded in number and time, and answers are remembered by their TTL. A DNS that
//! does not answer makes a `temperror`, never more. Nothing is decided here; `rules` does.

mod arc;
mod authenticator;
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
