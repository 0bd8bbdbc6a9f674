//! The common driver of line protocols: sockets, buffers, limits, time limits and TLS, for SMTP, IMAP and
//! POP3, on both sides of a connection.
//!
//! Protocol crates parse and produce bytes; this crate transfers them. It knows no protocol: a session
//! reads [`Connection::input`], writes to [`Connection::output`], and calls [`Connection::fill`] and
//! [`Connection::flush`].

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

/// The TLS configuration of a listener, made by `service-kit` under the same name.
pub type ServerTls = rustls::ServerConfig;
