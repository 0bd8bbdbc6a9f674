//! gRPC between the services: Unix sockets on one machine, mutual TLS between machines.

mod caller;
mod client;
mod dial;
mod internal_tls;
mod late;
mod server;
mod tcp;
mod unix_socket;

pub use caller::{Caller, Callers};
pub use client::{CallTimeouts, open_channel, open_channel_within};
pub(crate) use client::{open_channel_as, open_channel_at};
pub(crate) use dial::families;
pub(crate) use late::Late;
pub(crate) use server::serve;
pub use tonic::service::Routes;

/// HTTP/2 flow control window of a stream. Message bodies travel in pieces of 256 KiB; with the default of 64
/// KiB each piece would wait for the receiver. A stream with a slow reader also holds this much memory.
const STREAM_WINDOW: u32 = 512 << 10;

/// Flow control window of a connection: more than all slow readers can hold, so that they do not block the
/// other streams.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// Frame size: one piece of a body.
const FRAME: u32 = 256 << 10;

/// Maximum number of concurrent streams. All sessions of a front end share its connection, and some hold a
/// stream for their whole life. With the default of 200, further sessions would wait for ever.
const STREAMS: u32 = 1 << 20;

/// Calls that may be cancelled at once, as after clients disconnect. Between Postern's own services this is
/// no attack (CVE-2023-44487), and the default of 20 would close the connection for all.
const RESETS: usize = 1 << 16;

/// A TCP peer that does not answer a ping within this time is gone.
const KEEP_ALIVE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Interval of pings on an idle TCP connection.
const KEEP_ALIVE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(15);
