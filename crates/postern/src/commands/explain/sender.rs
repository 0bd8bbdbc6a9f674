//! MAIL FROM, as the client writes it.

use rules::{Policy, ReversePath, SessionFacts, WrittenSender, local_part_alone};

use super::told::refused;
use crate::failure::Failure;

/// What no server takes is an error of the command line. Of whom a local part alone is taken, the policy says.
pub(super) fn written(text: &str) -> Result<String, String> {
    if local_part_alone(text).is_none() {
        ReversePath::parse(text).map_err(|reason| reason.to_string())?;
    }
    Ok(text.to_owned())
}

/// What it means in this session. Where the server does not understand it, it asks no rule.
pub(super) fn read(
    text: &str,
    policy: &Policy,
    facts: &SessionFacts,
) -> Result<WrittenSender, Failure> {
    let read = policy.written_sender(facts, text);
    read.map_err(|verdict| Failure::Refused(format!("MAIL FROM:<{text}>\n{}", refused(&verdict))))
}
