//! EHLO and HELO (RFC 5321 §4.1.1.1).

use std::fmt::Write as _;

use bytes::BytesMut;

use super::xclient::ATTRIBUTES;
use crate::Reply;
use crate::path::{is_hello_name, is_lenient_hello_name};
use crate::server::session::Session;
use crate::server::table::Proceeded;
use crate::server::terms::{Announced, Hello};

pub(in crate::server) fn ehlo(
    session: &mut Session,
    arguments: &str,
    _: &mut BytesMut,
) -> Proceeded {
    hello(session, arguments, true)
}

pub(in crate::server) fn helo(
    session: &mut Session,
    arguments: &str,
    _: &mut BytesMut,
) -> Proceeded {
    hello(session, arguments, false)
}

fn hello(session: &mut Session, arguments: &str, extended: bool) -> Proceeded {
    let name = arguments.trim_start_matches(' ');
    let lenient = session.terms.lenient && is_lenient_hello_name(name);
    if !is_hello_name(name) && !lenient {
        return Err(Reply::new(501, 5, 4, "Say your domain or address literal"));
    }
    Ok(Some(session.ask_hello(Hello {
        name: name.to_owned(),
        extended,
    })))
}

/// The reply to a HELO or EHLO that was accepted.
pub(in crate::server) fn greet(session: &Session, output: &mut BytesMut) {
    let mut text = session.hostname.clone();
    if session.hello().is_some_and(|hello| hello.extended) {
        text.push_str("\nPIPELINING\nSIZE");
        if session.terms.size != 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, " {}", session.terms.size);
        }
        if session.terms.starttls {
            text.push_str("\nSTARTTLS");
        }
        if session.terms.auth {
            text.push_str("\nAUTH");
            for name in session.terms.mechanisms.names() {
                text.push(' ');
                text.push_str(name);
            }
        }
        if session.terms.xclient {
            text.push_str("\nXCLIENT ");
            text.push_str(ATTRIBUTES);
        }
        text.push_str("\n8BITMIME\nSMTPUTF8\nCHUNKING\nBINARYMIME\nDSN\nENHANCEDSTATUSCODES");
        if session.terms.require_tls {
            text.push_str("\nREQUIRETLS");
        }
        if session.terms.etrn {
            text.push_str("\nETRN");
        }
        session.terms.offered.announce(&mut text);
        limits(&session.terms.announced, &mut text);
        text.push_str("\nHELP");
    }
    Reply::plain(250, "").with_text(text).write(output);
}

/// LIMITS (RFC 9422 §3).
fn limits(announced: &Announced, text: &mut String) {
    let named = [
        ("MAILMAX", announced.messages),
        ("RCPTMAX", announced.recipients),
    ];
    let mut keyword = "\nLIMITS";
    for (name, limit) in named.into_iter().filter(|(_, limit)| *limit != 0) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{keyword} {name}={limit}");
        keyword = "";
    }
}
