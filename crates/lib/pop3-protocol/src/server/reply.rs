//! What a client is told. Response codes are those of RFC 2449 §8 and RFC 3206.

use bytes::BytesMut;

/// More connections than the listener has places for.
pub const BUSY: &[u8] = b"-ERR [SYS/TEMP] Too many connections, try again later.\r\n";

/// Another client needed the place, and this one had been silent for the longest.
pub const DISPLACED: &[u8] =
    b"-ERR [SYS/TEMP] Too many connections, and this one was idle: try again later.\r\n";

/// The process ends.
pub const SHUTTING_DOWN: &[u8] = b"-ERR [SYS/TEMP] The server is shutting down.\r\n";

/// The client was silent for too long, or took too long for the login.
pub const TIMED_OUT: &[u8] = b"-ERR That took too long.\r\n";

/// Another session may have the maildrop by now.
pub const MAILDROP_LOST: &[u8] =
    b"-ERR [SYS/TEMP] The maildrop is no longer locked; log in again.\r\n";

/// A message could not be read; it may work later.
pub const NOT_NOW: &[u8] = b"-ERR [SYS/TEMP] The message cannot be read now.\r\n";

/// A message was removed by another session in the meantime.
pub const GONE: &[u8] = b"-ERR The message is gone.\r\n";

/// A multi-line answer with a whole message of `size` octets begins.
pub fn message_follows(size: u64, output: &mut BytesMut) {
    output.extend_from_slice(format!("+OK {size} octets\r\n").as_bytes());
}

/// A multi-line answer with the top of a message begins.
pub fn top_follows(output: &mut BytesMut) {
    output.extend_from_slice(b"+OK\r\n");
}
