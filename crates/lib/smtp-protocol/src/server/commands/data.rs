//! DATA (RFC 5321 §4.1.1.4), which can carry nothing but lines of text (RFC 3030 §3).

use bytes::BytesMut;

use crate::Reply;
use crate::server::session::Session;
use crate::server::table::Proceeded;

pub(in crate::server) fn check(session: &Session) -> Result<(), Reply> {
    if session.is_binary() {
        return Err(Reply::new(503, 5, 1, "What is BINARYMIME comes by BDAT"));
    }
    Ok(())
}

pub(in crate::server) fn proceed(
    session: &mut Session,
    arguments: &str,
    _: &mut BytesMut,
) -> Proceeded {
    super::nothing(arguments)?;
    Ok(Some(session.ask_data()))
}
