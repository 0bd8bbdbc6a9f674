//! The AUTH dialogue (RFC 4954 §4): base64 and replies around an exchange run by the driver.

use sasl::{LineFault, Response};

use crate::Reply;

/// A response that is not base64, or violates the mechanism's grammar.
pub(super) const MALFORMED: Reply = Reply::new(501, 5, 2, "Malformed authentication data");
pub(super) const LOGGED_IN: Reply = Reply::new(235, 7, 0, "Authentication succeeded");
const CANCELLED: Reply = Reply::new(501, 7, 0, "Authentication cancelled");

/// The response on the AUTH line.
pub(super) fn initial(word: &str) -> Result<Response, Reply> {
    Response::read_initial(word.as_bytes()).map_err(|_| MALFORMED)
}

/// A response on its own line.
pub(super) fn response(line: &str) -> Result<Response, Reply> {
    Response::read(line.as_bytes()).map_err(|fault| match fault {
        LineFault::Cancelled => CANCELLED,
        LineFault::Malformed => MALFORMED,
    })
}

/// Requests the next response.
pub(super) fn challenge(challenge: &[u8]) -> Reply {
    Reply::plain(334, "").with_text(sasl::encode(challenge))
}
