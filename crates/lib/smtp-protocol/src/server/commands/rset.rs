//! RSET (RFC 5321 §4.1.1.5).

use bytes::BytesMut;

use crate::Reply;
use crate::server::event::Event;
use crate::server::session::Session;
use crate::server::table::Proceeded;

pub(in crate::server) fn proceed(
    session: &mut Session,
    arguments: &str,
    output: &mut BytesMut,
) -> Proceeded {
    super::nothing(arguments)?;
    let open = session.reset();
    Reply::new(250, 0, 0, "Ok").write(output);
    Ok(open.then_some(Event::Reset))
}
