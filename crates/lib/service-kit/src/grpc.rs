//! gRPC between the services: Unix sockets on one machine, mutual TLS between machines.

mod client;
mod server;
mod unix_socket;

pub use client::open_channel;
pub(crate) use server::serve;
pub use tonic::service::Routes;

/// HTTP/2 flow control: what one stream may have under way. Bodies of messages pass here, in
/// pieces of 256 KiB; the default of 64 KiB would wait for the other side at every piece.
const STREAM_WINDOW: u32 = 4 << 20;

/// What all streams of a connection together may have under way.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// A peer on TCP that does not answer a ping for this long is gone.
const KEEP_ALIVE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// How often a quiet connection on TCP is tried.
const KEEP_ALIVE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(15);
