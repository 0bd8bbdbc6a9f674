//! VRFY (RFC 5321 §4.1.1.6): answered without telling who has a mailbox (§7.3).

use bytes::BytesMut;

use crate::Reply;
use crate::server::session::Session;
use crate::server::table::Proceeded;

pub(in crate::server) fn proceed(
    _: &mut Session,
    arguments: &str,
    output: &mut BytesMut,
) -> Proceeded {
    if arguments.is_empty() {
        return Err(Reply::new(501, 5, 4, "Say an address"));
    }
    Reply::new(252, 1, 5, "Send some mail, and see").write(output);
    Ok(None)
}
