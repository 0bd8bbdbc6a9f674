//! gRPC between the services: Unix sockets on one machine, mutual TLS between machines.

mod caller;
mod client;
mod dial;
mod internal_tls;
mod late;
mod server;
mod tcp;
mod unix_socket;

pub use caller::Callers;
pub use client::{Patience, open_channel, open_channel_within};
pub(crate) use client::{open_channel_as, open_channel_at};
pub(crate) use dial::families;
pub(crate) use late::Late;
pub(crate) use server::serve;
pub use tonic::service::Routes;

/// HTTP/2 flow control: what one stream may have under way. Bodies of messages pass here in pieces
/// of 256 KiB, and the default of 64 KiB would wait for the other side at every piece. It is also
/// what a stream holds in memory whose reader is slow.
const STREAM_WINDOW: u32 = 512 << 10;

/// What all streams of a connection together may have under way: more than all slow readers can
/// hold, or they would stop everyone else's streams.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// A piece of a body in one frame.
const FRAME: u32 = 256 << 10;

/// All sessions of a front end share its connection, and some hold a stream for as long as they
/// last. The default of 200 would make the next one wait for ever.
const STREAMS: u32 = 1 << 20;

/// Calls that are given up at once, as of clients that hang up. Among our own services they are no
/// attack (CVE-2023-44487), and the default of 20 would end the connection for everyone.
const RESETS: usize = 1 << 16;

/// A peer on TCP that does not answer a ping for this long is gone.
const KEEP_ALIVE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// How often a quiet connection on TCP is tried.
const KEEP_ALIVE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(15);
