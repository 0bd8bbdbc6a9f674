//! EXPN (RFC 5321 §4.1.1.7): there are no lists here, so there is nothing to expand (§3.5.3: 502
//! where it is not implemented).

use bytes::BytesMut;

use crate::Reply;
use crate::server::session::Session;
use crate::server::table::Proceeded;

pub(in crate::server) fn proceed(_: &mut Session, _: &str, _: &mut BytesMut) -> Proceeded {
    Err(Reply::new(502, 5, 1, "There are no lists to expand"))
}
