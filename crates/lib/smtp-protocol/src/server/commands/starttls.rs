//! STARTTLS (RFC 3207).

use bytes::BytesMut;

use crate::Reply;
use crate::server::session::Session;
use crate::server::table::Proceeded;

pub(in crate::server) fn check(session: &Session) -> Result<(), Reply> {
    if session.terms.starttls {
        Ok(())
    } else {
        Err(Reply::new(503, 5, 1, "STARTTLS is not available"))
    }
}

pub(in crate::server) fn proceed(
    session: &mut Session,
    arguments: &str,
    output: &mut BytesMut,
) -> Proceeded {
    super::nothing(arguments)?;
    Reply::new(220, 0, 0, "Ready to start TLS").write(output);
    Ok(Some(session.ask_starttls()))
}
