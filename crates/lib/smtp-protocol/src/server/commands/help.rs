//! HELP (RFC 5321 §4.1.1.8).

use super::Command;
use crate::Reply;
use crate::server::standing::Standing;
use crate::server::terms::Terms;

pub(in crate::server) fn read(_: &str, _: &Standing<'_>) -> Result<Command, Reply> {
    Ok(Command::Help)
}

/// The reply: the verbs offered to the peer.
pub(in crate::server) fn reply(verbs: impl Iterator<Item = &'static str>, terms: &Terms) -> Reply {
    let verbs: Vec<_> = verbs
        .filter(|verb| match *verb {
            "XCLIENT" => terms.xclient,
            "ETRN" => terms.etrn,
            _ => true,
        })
        .collect();
    let text = format!("Commands: {}", verbs.join(" "));
    Reply::new(214, 0, 0, "").with_text(text)
}
