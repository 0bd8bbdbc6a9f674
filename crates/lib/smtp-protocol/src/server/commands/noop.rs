//! NOOP (RFC 5321 §4.1.1.9): its argument is ignored.

use super::Command;
use crate::Reply;
use crate::server::standing::Standing;

pub(in crate::server) fn read(_: &str, _: &Standing<'_>) -> Result<Command, Reply> {
    Ok(Command::Noop)
}
