//! EHLO and HELO (RFC 5321 §4.1.1.1).

use std::fmt::Write as _;

use super::Command;
use super::xclient::ATTRIBUTES;
use crate::Reply;
use crate::path::{is_hello_name, is_lenient_hello_name};
use crate::server::standing::Standing;
use crate::server::terms::{Announced, Hello, Terms};

pub(in crate::server) fn ehlo(arguments: &str, standing: &Standing<'_>) -> Result<Command, Reply> {
    hello(arguments, standing.terms, true)
}

pub(in crate::server) fn helo(arguments: &str, standing: &Standing<'_>) -> Result<Command, Reply> {
    hello(arguments, standing.terms, false)
}

fn hello(arguments: &str, terms: &Terms, extended: bool) -> Result<Command, Reply> {
    let name = arguments.trim_start_matches(' ');
    let lenient = terms.lenient && is_lenient_hello_name(name);
    if !is_hello_name(name) && !lenient {
        return Err(Reply::new(501, 5, 4, "Domain or address literal required"));
    }
    Ok(Command::Hello(Hello {
        name: name.to_owned(),
        extended,
    }))
}

/// The reply to an accepted HELO or EHLO.
pub(in crate::server) fn greeting(hostname: &str, extended: bool, terms: &Terms) -> Reply {
    let mut text = hostname.to_owned();
    if extended {
        text.push_str("\nPIPELINING\nSIZE");
        if terms.size != 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, " {}", terms.size);
        }
        if terms.starttls {
            text.push_str("\nSTARTTLS");
        }
        if terms.auth {
            text.push_str("\nAUTH");
            for name in terms.mechanisms.names() {
                text.push(' ');
                text.push_str(name);
            }
        }
        if terms.xclient {
            text.push_str("\nXCLIENT ");
            text.push_str(ATTRIBUTES);
        }
        text.push_str("\n8BITMIME\nSMTPUTF8\nCHUNKING\nBINARYMIME\nDSN\nENHANCEDSTATUSCODES");
        if terms.require_tls {
            text.push_str("\nREQUIRETLS");
        }
        if terms.etrn {
            text.push_str("\nETRN");
        }
        terms.offered.announce(&mut text);
        limits(&terms.announced, &mut text);
        text.push_str("\nHELP");
    }
    Reply::plain(250, "").with_text(text)
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
