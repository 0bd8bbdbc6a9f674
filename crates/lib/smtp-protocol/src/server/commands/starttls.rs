//! STARTTLS (RFC 3207).

use super::Command;
use crate::Reply;
use crate::server::standing::Standing;

pub(in crate::server) fn check(standing: &Standing<'_>) -> Result<(), Reply> {
    if standing.terms.starttls {
        Ok(())
    } else {
        Err(Reply::new(503, 5, 1, "STARTTLS is not available"))
    }
}

pub(in crate::server) fn read(arguments: &str, _: &Standing<'_>) -> Result<Command, Reply> {
    super::nothing(arguments)?;
    Ok(Command::StartTls)
}
