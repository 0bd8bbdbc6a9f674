//! AUTH (RFC 4954).

use bytes::BytesMut;
use sasl::{Exchange, Mechanism};

use crate::Reply;
use crate::server::auth;
use crate::server::session::Session;
use crate::server::table::Proceeded;

pub(in crate::server) fn check(session: &Session) -> Result<(), Reply> {
    if session.is_authenticated() {
        return Err(Reply::new(503, 5, 1, "Already authenticated"));
    }
    match (session.terms.auth, session.terms.starttls) {
        (true, _) => Ok(()),
        (false, true) => Err(Reply::new(538, 7, 11, "Say STARTTLS first")),
        (false, false) => Err(Reply::new(503, 5, 1, "AUTH is not available")),
    }
}

pub(in crate::server) fn proceed(
    session: &mut Session,
    arguments: &str,
    output: &mut BytesMut,
) -> Proceeded {
    let mut words = arguments.split(' ').filter(|word| !word.is_empty());
    let (mechanism, initial) = (words.next(), words.next());
    if words.next().is_some() {
        return Err(Reply::new(501, 5, 4, "Too many arguments"));
    }
    let mechanism = mechanism.ok_or(Reply::new(501, 5, 4, "Say a mechanism"))?;
    let mechanism = Mechanism::named(mechanism, session.offer()).ok_or_else(|| {
        let names: Vec<_> = session.mechanisms().collect();
        Reply::new(504, 5, 4, "").with_text(format!("Mechanisms are {}", names.join(" ")))
    })?;
    let exchange = Exchange::new(mechanism, session.bindings.clone());
    match initial {
        // RFC 4954 §4: `=` is a response of no octets.
        Some("=") => auth::respond(session, exchange, "", output),
        Some("*") => Err(Reply::new(501, 5, 2, "Malformed authentication data")),
        Some(response) => auth::respond(session, exchange, response, output),
        None => {
            let step = exchange.begin();
            Ok(auth::take(session, exchange, step, output))
        }
    }
}
