//! AUTH's dialogue (RFC 4954 §4): base64 and replies around an exchange of SASL.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use sasl::{Exchange, Fault, Step};

use super::event::Event;
use super::session::Session;
use crate::Reply;

const MALFORMED: Reply = Reply::new(501, 5, 2, "Malformed authentication data");
const CANCELLED: Reply = Reply::new(501, 7, 0, "Authentication cancelled");
const FAILED: Reply = Reply::new(535, 7, 8, "Authentication failed");
const LOGGED_IN: Reply = Reply::new(235, 7, 0, "Authentication succeeded");

/// Takes a client's response, the one that came with AUTH or one on a line of its own.
pub(super) fn respond(
    session: &mut Session,
    mut exchange: Exchange,
    response: &str,
    output: &mut BytesMut,
) -> Result<Option<Event>, Reply> {
    if response == "*" {
        return Err(CANCELLED);
    }
    let response = STANDARD.decode(response).map_err(|_| MALFORMED)?;
    match exchange.respond(&response) {
        Ok(step) => Ok(take(session, exchange, step, output)),
        Err(Fault::Malformed) => Err(MALFORMED),
        Err(Fault::Mismatch) => Err(FAILED),
        // A failed login, which has been counted as such: not a mistake in how it was written.
        Err(Fault::Refused) => {
            session.refused(&FAILED, output);
            Ok(None)
        }
    }
}

/// Goes on with what the exchange wants.
pub(super) fn take(
    session: &mut Session,
    exchange: Exchange,
    step: Step,
    output: &mut BytesMut,
) -> Option<Event> {
    match step {
        Step::Challenge(challenge) => {
            self::challenge(session, exchange, &challenge, output);
            None
        }
        Step::Password(credentials) => {
            Some(session.ask_login(None, Event::Authenticate(credentials)))
        }
        Step::External(authorization) => {
            Some(session.ask_login(None, Event::External(authorization)))
        }
        Step::Token(token) => Some(session.ask_login(Some(exchange), Event::Token(token))),
        Step::Parameters(login) => {
            Some(session.ask_login(Some(exchange), Event::ScramParameters(login)))
        }
        Step::Proof(proof) => Some(session.ask_login(Some(exchange), Event::ScramProof(proof))),
        Step::Done => {
            logged_in(session, output);
            Some(Event::LoggedIn)
        }
    }
}

/// Asks for the next response.
pub(super) fn challenge(
    session: &mut Session,
    exchange: Exchange,
    challenge: &[u8],
    output: &mut BytesMut,
) {
    let text = STANDARD.encode(challenge);
    Reply::plain(334, "").with_text(text).write(output);
    session.await_response(exchange);
}

pub(super) fn logged_in(session: &mut Session, output: &mut BytesMut) {
    session.set_authenticated();
    LOGGED_IN.write(output);
}
