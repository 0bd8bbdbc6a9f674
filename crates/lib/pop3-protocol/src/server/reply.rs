//! Replies to clients. Response codes are those of RFC 2449 §8 and RFC 3206.

use bytes::BytesMut;

/// All slots of the listener are taken.
pub const BUSY: &[u8] = b"-ERR [SYS/TEMP] Too many connections, try again later.\r\n";

/// Another client needed the slot, and this one had been silent for the longest time.
pub const DISPLACED: &[u8] =
    b"-ERR [SYS/TEMP] Too many connections, and this one was idle: try again later.\r\n";

/// The process is shutting down.
pub const SHUTTING_DOWN: &[u8] = b"-ERR [SYS/TEMP] The server is shutting down.\r\n";

/// The client was silent for too long, or exceeded the time limit of the login.
pub const TIMED_OUT: &[u8] = b"-ERR That took too long.\r\n";

/// Another session may hold the maildrop now.
pub const MAILDROP_LOST: &[u8] =
    b"-ERR [SYS/TEMP] The maildrop is no longer locked; log in again.\r\n";

/// A message cannot be read now; a retry may succeed.
pub const NOT_NOW: &[u8] = b"-ERR [SYS/TEMP] The message cannot be read now.\r\n";

/// A message was removed by another session.
pub const GONE: &[u8] = b"-ERR The message is gone.\r\n";

/// Begins a multi-line response with a whole message of `size` octets.
pub fn message_follows(size: u64, output: &mut BytesMut) {
    output.extend_from_slice(format!("+OK {size} octets\r\n").as_bytes());
}

/// Begins a multi-line response with the top of a message.
pub fn top_follows(output: &mut BytesMut) {
    output.extend_from_slice(b"+OK\r\n");
}
