//! POP3 (RFC 1939) without sockets: the server's session, the client's parser of replies, and the
//! dot-stuffing used by both.
//!
//! Bytes go in, bytes and [`server::Action`]s come out. This crate does not wait, read a clock or access
//! messages.

pub mod client;
pub mod dots;
pub mod server;
