//! BDAT (RFC 3030 §2). Its octets follow in any case, so a refusal is sent after them; a command without a
//! valid size ends the session, since the following octets cannot be told from commands.

use super::Command;
use crate::Reply;
use crate::server::standing::Standing;

/// The arguments of BDAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Bdat {
    pub(in crate::server) size: u64,
    /// The chunk is the last of the message.
    pub(in crate::server) last: bool,
}

pub(in crate::server) fn read(arguments: &str, _: &Standing<'_>) -> Result<Command, Reply> {
    Ok(Command::Bdat(parse(arguments)))
}

fn parse(arguments: &str) -> Option<Bdat> {
    let mut words = arguments.split(' ').filter(|word| !word.is_empty());
    let size = words.next()?;
    if !size.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let last = match words.next() {
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return None,
        None => false,
    };
    match words.next() {
        Some(_) => None,
        None => Some(Bdat {
            size: size.parse().ok()?,
            last,
        }),
    }
}
