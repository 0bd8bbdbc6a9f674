//! AUTH (RFC 4954).

use sasl::Initiation;

use super::Command;
use crate::Reply;
use crate::server::auth;
use crate::server::standing::Standing;

pub(in crate::server) fn check(standing: &Standing<'_>) -> Result<(), Reply> {
    if standing.authenticated {
        return Err(Reply::new(503, 5, 1, "Already authenticated"));
    }
    match (standing.terms.auth, standing.terms.starttls) {
        (true, _) => Ok(()),
        (false, true) => Err(Reply::new(538, 7, 11, "Say STARTTLS first")),
        (false, false) => Err(Reply::new(503, 5, 1, "AUTH is not available")),
    }
}

pub(in crate::server) fn read(arguments: &str, standing: &Standing<'_>) -> Result<Command, Reply> {
    let mut words = arguments.split(' ').filter(|word| !word.is_empty());
    let (mechanism, initial) = (words.next(), words.next());
    if words.next().is_some() {
        return Err(Reply::new(501, 5, 4, "Too many arguments"));
    }
    let mechanism = mechanism.ok_or(Reply::new(501, 5, 4, "Say a mechanism"))?;
    let mechanisms = standing.terms.mechanisms;
    let mechanism = mechanisms.named(mechanism).ok_or_else(|| {
        let names: Vec<_> = mechanisms.names().collect();
        Reply::new(504, 5, 4, "").with_text(format!("Mechanisms are {}", names.join(" ")))
    })?;
    let initial = initial.map(auth::initial).transpose()?;
    let initiation = Initiation { mechanism, initial };
    Ok(Command::Auth(initiation))
}
