//! DATA (RFC 5321 §4.1.1.4), which transfers only lines of text (RFC 3030 §3).

use super::Command;
use crate::Reply;
use crate::server::standing::Standing;

pub(in crate::server) fn check(standing: &Standing<'_>) -> Result<(), Reply> {
    if standing.binary {
        return Err(Reply::new(503, 5, 1, "What is BINARYMIME comes by BDAT"));
    }
    Ok(())
}

pub(in crate::server) fn read(arguments: &str, _: &Standing<'_>) -> Result<Command, Reply> {
    super::nothing(arguments)?;
    Ok(Command::Data)
}
