//! Single-line replies.

use bytes::BytesMut;

/// `+OK`, with a text if given.
pub(super) fn ok(text: &str, output: &mut BytesMut) {
    line("+OK", text, output);
}

/// `-ERR` with a text.
pub(super) fn refuse(text: &str, output: &mut BytesMut) {
    line("-ERR", text, output);
}

fn line(status: &str, text: &str, output: &mut BytesMut) {
    output.extend_from_slice(status.as_bytes());
    if !text.is_empty() {
        output.extend_from_slice(b" ");
        output.extend_from_slice(text.as_bytes());
    }
    output.extend_from_slice(b"\r\n");
}
