//! EXPN (RFC 5321 §4.1.1.7): there are no lists here, so nothing can be expanded (§3.5.3: 502 if it is not
//! implemented).

use super::Command;
use crate::Reply;
use crate::server::standing::Standing;

pub(in crate::server) fn read(_: &str, _: &Standing<'_>) -> Result<Command, Reply> {
    Err(Reply::new(502, 5, 1, "There are no lists to expand"))
}
