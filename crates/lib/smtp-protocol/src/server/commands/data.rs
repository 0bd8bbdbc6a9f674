//! DATA (RFC 5321 §4.1.1.4).

use bytes::BytesMut;

use crate::server::session::Session;
use crate::server::table::Proceeded;

pub(in crate::server) fn proceed(
    session: &mut Session,
    arguments: &str,
    _: &mut BytesMut,
) -> Proceeded {
    super::nothing(arguments)?;
    Ok(Some(session.ask_data()))
}
