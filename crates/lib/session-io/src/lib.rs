//! The one driver of line protocols: sockets, buffers, limits, deadlines and TLS, for SMTP, IMAP
//! and POP3, on both sides of a connection.
//!
//! Protocol crates take bytes and give bytes; this crate moves them. It knows no protocol: a
//! session reads [`Connection::input`], writes to [`Connection::output`], and says when to
//! [`Connection::fill`] the one and [`Connection::flush`] the other.

mod client_tls;
mod connection;
mod error;
mod slot;
mod socket;
mod stream;
mod tls_failure;

pub use client_tls::ClientTls;
pub use connection::{Connection, NoRoom, TlsFacts};
pub use error::SessionError;
pub use slot::{Slot, SlotState};

/// What a listener needs to speak TLS. `service-kit` makes it, by the same name.
pub type ServerTls = rustls::ServerConfig;
