//! VRFY (RFC 5321 §4.1.1.6). The driver decides whether the peer may learn of mailboxes; an answer may
//! reveal nothing (§7.3).

use super::Command;
use crate::server::standing::Standing;
use crate::{Mailbox, Path, Reply};

pub(in crate::server) fn read(arguments: &str, _: &Standing<'_>) -> Result<Command, Reply> {
    let text = arguments.trim_start_matches(' ');
    if text.is_empty() {
        return Err(Reply::new(501, 5, 4, "Say an address"));
    }
    let mailbox = match Path::split(text, false) {
        Ok((Path::Mailbox(mailbox), "")) => Some(mailbox),
        _ => Mailbox::parse(text).ok(),
    };
    Ok(Command::Vrfy(mailbox))
}
