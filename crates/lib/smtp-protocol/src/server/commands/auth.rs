//! AUTH (RFC 4954).

use bytes::BytesMut;
use sasl::Initiation;

use crate::Reply;
use crate::server::auth;
use crate::server::event::Event;
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
    _: &mut BytesMut,
) -> Proceeded {
    let mut words = arguments.split(' ').filter(|word| !word.is_empty());
    let (mechanism, initial) = (words.next(), words.next());
    if words.next().is_some() {
        return Err(Reply::new(501, 5, 4, "Too many arguments"));
    }
    let mechanism = mechanism.ok_or(Reply::new(501, 5, 4, "Say a mechanism"))?;
    let mechanisms = session.terms.mechanisms;
    let mechanism = mechanisms.named(mechanism).ok_or_else(|| {
        let names: Vec<_> = mechanisms.names().collect();
        Reply::new(504, 5, 4, "").with_text(format!("Mechanisms are {}", names.join(" ")))
    })?;
    let initial = initial.map(auth::initial).transpose()?;
    let initiation = Initiation { mechanism, initial };
    Ok(Some(session.ask_login(Event::Login(initiation))))
}
