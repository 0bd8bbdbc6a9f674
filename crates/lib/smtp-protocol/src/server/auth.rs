//! AUTH's dialogue (RFC 4954 §4): base64 and replies around an exchange that the driver leads.

use bytes::BytesMut;
use sasl::{LineFault, Response};

use super::event::Event;
use super::session::Session;
use crate::Reply;

const MALFORMED: Reply = Reply::new(501, 5, 2, "Malformed authentication data");
const CANCELLED: Reply = Reply::new(501, 7, 0, "Authentication cancelled");
const LOGGED_IN: Reply = Reply::new(235, 7, 0, "Authentication succeeded");

/// The response on AUTH's own line.
pub(super) fn initial(word: &str) -> Result<Response, Reply> {
    Response::read_initial(word.as_bytes()).map_err(|_| MALFORMED)
}

/// Takes a client's response on a line of its own.
pub(super) fn respond(
    session: &mut Session,
    line: &str,
    output: &mut BytesMut,
) -> Result<Option<Event>, Reply> {
    let refused = session.take_last_refusal();
    let response = Response::read(line.as_bytes()).map_err(|fault| match fault {
        LineFault::Cancelled => CANCELLED,
        LineFault::Malformed => MALFORMED,
    })?;
    match refused {
        // A failed login, which has been counted as such: not a mistake in how it was written.
        Some(reply) => {
            session.refused(&reply, output);
            Ok(None)
        }
        None => Ok(Some(session.ask_login(Event::Response(response)))),
    }
}

/// Asks for the next response.
pub(super) fn challenge(challenge: &[u8], output: &mut BytesMut) {
    let text = sasl::encode(challenge);
    Reply::plain(334, "").with_text(text).write(output);
}

pub(super) fn logged_in(session: &mut Session, output: &mut BytesMut) {
    session.set_authenticated();
    LOGGED_IN.write(output);
}

/// The driver found a response that does not follow the mechanism's grammar.
pub(super) fn malformed() -> Reply {
    MALFORMED
}
