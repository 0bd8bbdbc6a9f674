//! The facts of a session, as they are told.

use serde::Serialize;

use super::Play;
use crate::facts::{ListenerClass, ReverseName, SessionFacts};
use crate::interface::SessionInterface;
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
    ("proxy", |facts| {
        facts.proxy.map(|ip| ip.to_string()).unwrap_or_default()
    }),
    ("local address", |facts| facts.local.to_string()),
    ("interface", |facts| {
        facts.interface.as_ref().map(interface).unwrap_or_default()
    }),
    ("listener", |facts| facts.listener.to_string()),
    ("listener class", |facts| class(facts.class).to_owned()),
    ("default gateways", |facts| {
        let gateways: Vec<_> = facts.gateways.iter().map(ToString::to_string).collect();
        gateways.join(", ")
    }),
    ("reverse name", |facts| reverse_name(&facts.reverse_name)),
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

fn interface(interface: &SessionInterface) -> String {
    let SessionInterface {
        name,
        class,
        reason,
        ..
    } = interface;
    format!("{name}, {class}: {reason}")
}

/// Nothing when nobody asked.
fn reverse_name(name: &ReverseName) -> String {
    match name {
        ReverseName::NotAsked => String::new(),
        ReverseName::None => "none".to_owned(),
        ReverseName::Confirmed(names) => names.join(", "),
        ReverseName::Failed => "unknown: the DNS does not answer".to_owned(),
    }
}

fn or_none(value: Option<&str>) -> String {
    value.unwrap_or("none").to_owned()
}
