//! UID: the commands that name messages by UID.

use super::{Command, Copy, Fetch, Search, Store};
use crate::MessageSet;
use crate::cursor::Cursor;
use crate::error::{CommandError, Result};

pub(super) fn parse(cursor: &mut Cursor) -> Result<Command> {
    cursor.space()?;
    let verb = cursor.atom("a command")?;
    match verb.to_ascii_uppercase().as_slice() {
        b"FETCH" => Fetch::parse(cursor, true).map(Command::Fetch),
        b"STORE" => Store::parse(cursor, true).map(Command::Store),
        b"SEARCH" => Search::parse(cursor, true).map(Command::Search),
        b"COPY" => Copy::parse(cursor, true).map(Command::Copy),
        b"MOVE" => Copy::parse(cursor, true).map(Command::Move),
        b"EXPUNGE" => MessageSet::parse(cursor, true).map(Command::UidExpunge),
        _ => Err(CommandError::Unknown),
    }
}
