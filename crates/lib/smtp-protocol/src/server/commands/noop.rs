//! NOOP (RFC 5321 §4.1.1.9): its argument is ignored.

use bytes::BytesMut;

use crate::Reply;
use crate::server::session::Session;
use crate::server::table::Proceeded;

pub(in crate::server) fn proceed(_: &mut Session, _: &str, output: &mut BytesMut) -> Proceeded {
    Reply::new(250, 0, 0, "Ok").write(output);
    Ok(None)
}
