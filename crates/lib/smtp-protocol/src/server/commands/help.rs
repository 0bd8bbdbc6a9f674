//! HELP (RFC 5321 §4.1.1.8).

use bytes::BytesMut;

use crate::Reply;
use crate::server::session::Session;
use crate::server::table::{COMMANDS, Proceeded};

pub(in crate::server) fn proceed(
    session: &mut Session,
    _: &str,
    output: &mut BytesMut,
) -> Proceeded {
    let verbs: Vec<_> = COMMANDS
        .iter()
        .map(|entry| entry.verb)
        .filter(|verb| match *verb {
            "XCLIENT" => session.terms.xclient,
            "ETRN" => session.terms.etrn,
            _ => true,
        })
        .collect();
    let text = format!("Commands: {}", verbs.join(" "));
    Reply::new(214, 0, 0, "").with_text(text).write(output);
    Ok(None)
}
