//! QUIT (RFC 5321 §4.1.1.10).

use bytes::BytesMut;

use crate::Reply;
use crate::server::event::CloseReason;
use crate::server::session::Session;
use crate::server::table::Proceeded;

pub(in crate::server) fn proceed(
    session: &mut Session,
    arguments: &str,
    output: &mut BytesMut,
) -> Proceeded {
    super::nothing(arguments)?;
    Reply::new(221, 0, 0, "Goodbye").write(output);
    session.end(CloseReason::Quit);
    Ok(None)
}
