//! POP3 (RFC 1939) without sockets: the server's session, the client's reading of replies, and
//! the dot-stuffing that both share.
//!
//! Bytes go in, bytes and [`server::Action`]s come out. Nothing here waits, reads a clock or knows
//! where messages are kept.

pub mod client;
pub mod dots;
pub mod server;
