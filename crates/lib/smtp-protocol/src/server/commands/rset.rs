//! RSET (RFC 5321 §4.1.1.5).

use super::Command;
use crate::Reply;
use crate::server::standing::Standing;

pub(in crate::server) fn read(arguments: &str, _: &Standing<'_>) -> Result<Command, Reply> {
    super::nothing(arguments)?;
    Ok(Command::Rset)
}
