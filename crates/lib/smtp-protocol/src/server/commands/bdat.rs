//! BDAT (RFC 3030 §2). Its octets follow in any case, so a refusal is told behind them; a command
//! that does not say how many they are ends the session, since what follows cannot be told apart.

use bytes::BytesMut;

use crate::Reply;
use crate::server::event::CloseReason;
use crate::server::session::Session;
use crate::server::table::{Phase, Proceeded, too_early};

pub(in crate::server) fn proceed(
    session: &mut Session,
    arguments: &str,
    output: &mut BytesMut,
) -> Proceeded {
    let Some((size, last)) = parse(arguments) else {
        Reply::new(501, 5, 4, "Say BDAT size [LAST]; closing connection").write(output);
        session.end(CloseReason::ProtocolViolation);
        return Ok(None);
    };
    // Nothing at all, and more to come: that could go on for ever.
    if size == 0 && !last && session.is_idle(output) {
        return Ok(None);
    }
    let phase = session.phase();
    let refused = !matches!(phase, Phase::Recipients | Phase::Chunks);
    Ok(session.begin_chunk(size, last, refused.then(|| too_early(phase))))
}

fn parse(arguments: &str) -> Option<(u64, bool)> {
    let mut words = arguments.split(' ').filter(|word| !word.is_empty());
    let size = words.next()?;
    if !size.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let last = match words.next() {
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return None,
        None => false,
    };
    match words.next() {
        Some(_) => None,
        None => Some((size.parse().ok()?, last)),
    }
}
