//! The facts of a session, as they are told.

use serde::Serialize;

use super::Play;
use crate::facts::{ListenerClass, SessionFacts};
use crate::size::format_size;

/// A fact of the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// Its name.
    pub name: &'static str,
    /// Its value as text; empty when there is none.
    pub value: String,
}

type Told = fn(&SessionFacts) -> String;

/// Every fact that decisions are made from.
const FACTS: &[(&str, Told)] = &[
    ("peer", |facts| facts.peer.to_string()),
    ("local address", |facts| facts.local.to_string()),
    ("listener", |facts| facts.listener.to_string()),
    ("listener class", |facts| class(facts.class).to_owned()),
    ("default gateways", |facts| {
        let gateways: Vec<_> = facts.gateways.iter().map(ToString::to_string).collect();
        gateways.join(", ")
    }),
    ("helo", |facts| or_none(facts.helo.as_deref())),
    ("login", |facts| or_none(facts.login.as_deref())),
    ("tls", |facts| {
        if facts.tls { "yes" } else { "no" }.to_owned()
    }),
];

/// The facts of a session and of its transaction.
pub(super) fn told(play: &Play<'_>) -> Vec<Fact> {
    let session = FACTS.iter().map(|(name, told)| Fact {
        name,
        value: told(play.facts),
    });
    let size = play.size.map_or_else(String::new, format_size);
    let transaction = [
        ("sender", format!("<{}>", play.sender)),
        ("declared size", size),
    ];
    session
        .chain(transaction.map(|(name, value)| Fact { name, value }))
        .collect()
}

fn class(class: ListenerClass) -> &'static str {
    match class {
        ListenerClass::Auto => "auto",
        ListenerClass::Internal => "internal",
        ListenerClass::External => "external",
        ListenerClass::Dmz => "dmz",
    }
}

fn or_none(value: Option<&str>) -> String {
    value.unwrap_or("none").to_owned()
}
