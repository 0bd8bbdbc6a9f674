//! The facts of a session as text.

use std::time::Duration;

use serde::Serialize;

use crate::explain::assumptions::{Assumptions, Attachments, EarlyTalk, GreylistState, RateState};
use crate::explain::play::Play;
use crate::values::authentication::Finding;
use crate::values::duration::format_duration;
use crate::values::facts::Early;
use crate::values::facts::{ListenerClass, ReverseName, SessionFacts};
use crate::values::interface::SessionInterface;
use crate::values::size::format_size;
use crate::values::timing::Timing;

/// A fact of the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// Its name.
    pub name: &'static str,
    /// Its value as text; empty when there is none.
    pub value: String,
}

type AssumptionText = fn(&Assumptions) -> String;

/// The assumptions about the world.
const ASSUMPTIONS: &[(&str, AssumptionText)] = &[
    ("speaks", |all| {
        let words = all.talk.map(|talk| match talk {
            EarlyTalk::InTurn => "in turn",
            EarlyTalk::Early(Early::Greeting) => "before the greeting",
            EarlyTalk::Early(Early::Hello) => "before EHLO is answered",
        });
        words.unwrap_or_default().to_owned()
    }),
    ("listed by", |all| {
        let Some(listed) = &all.listed else {
            return String::new();
        };
        let zones: Vec<_> = listed.iter().map(|list| list.zone.to_string()).collect();
        or_none(
            Some(zones.join(", "))
                .as_deref()
                .filter(|zones| !zones.is_empty()),
        )
    }),
    ("free space", |all| {
        all.free.map_or_else(String::new, format_size)
    }),
    ("sender domain", |all| {
        let standing = all.standing;
        standing.map_or_else(String::new, |standing| standing.as_str().to_owned())
    }),
    ("rates used up", |all| {
        let rates = [
            ("connections", all.connections),
            ("messages", all.messages),
            ("recipients", all.recipients),
        ];
        let used_up = rates
            .iter()
            .filter(|(_, share)| *share == Some(RateState::UsedUp));
        let used_up: Vec<_> = used_up.map(|(name, _)| *name).collect();
        used_up.join(", ")
    }),
    ("visitor", |all| {
        let words = all.visitor.map(|visitor| match visitor {
            GreylistState::New => "new",
            GreylistState::Known => "known",
        });
        words.unwrap_or_default().to_owned()
    }),
    ("iprev", |all| found(all.authentication.iprev.as_ref())),
    ("spf of helo", |all| {
        found(all.authentication.spf_helo.as_ref())
    }),
    ("spf", |all| found(all.authentication.spf.as_ref())),
    ("dkim", |all| found(all.authentication.dkim.as_ref())),
    ("dmarc", |all| {
        let results = &all.authentication;
        match &results.dmarc {
            Some(dmarc) => {
                let request = results.dmarc_request.as_str();
                format!("{}, requested: {request}", dmarc.told())
            }
            None => String::new(),
        }
    }),
    ("arc", |all| found(all.authentication.arc.as_ref())),
    ("attachments", |all| match &all.attachments {
        None => String::new(),
        Some(Attachments::Unclear) => "cannot be determined".to_owned(),
        Some(Attachments::Seen(seen)) if seen.is_empty() => "none".to_owned(),
        Some(Attachments::Seen(seen)) => {
            let seen = seen
                .iter()
                .map(|one| format!("{} {}", one.name, one.media_type));
            let seen: Vec<_> = seen.map(|one| one.trim().to_owned()).collect();
            seen.join(", ")
        }
    }),
    ("from", |all| match all.authors.as_deref() {
        None => String::new(),
        Some([]) => "none".to_owned(),
        Some(authors) => {
            let authors = authors.iter().map(|author| match author {
                Some(address) => address.to_string(),
                None => "an invalid address".to_owned(),
            });
            authors.collect::<Vec<_>>().join(", ")
        }
    }),
];

fn found(finding: Option<&Finding>) -> String {
    finding.map_or_else(String::new, Finding::told)
}

type FactText = fn(&SessionFacts) -> String;

/// The facts that decisions are based on.
const FACTS: &[(&str, FactText)] = &[
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
    ("listener role", |facts| facts.role.as_str().to_owned()),
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
    let session = FACTS.iter().map(|(name, text)| Fact {
        name,
        value: text(play.facts),
    });
    let size = play.size.map_or_else(String::new, format_size);
    let priority = play.timing.priority;
    let priority = priority.map_or_else(String::new, |priority| priority.to_string());
    let transaction = [
        ("sender", format!("<{}>", play.sender)),
        ("declared size", size),
        ("held for", length(play.timing.hold)),
        ("to be delivered within", deliver_by(&play.timing)),
        ("priority", priority),
    ];
    let assumptions = ASSUMPTIONS.iter().map(|(name, text)| Fact {
        name,
        value: text(play.assumptions),
    });
    session
        .chain(transaction.map(|(name, value)| Fact { name, value }))
        .chain(assumptions)
        .collect()
}

fn deliver_by(timing: &Timing) -> String {
    let mut told = length(timing.deliver_by);
    if timing.or_return {
        told.push_str(", or returned");
    }
    told
}

fn length(milliseconds: Option<i64>) -> String {
    let length = milliseconds.map(|length| Duration::from_millis(length.max(0).unsigned_abs()));
    length.map(format_duration).unwrap_or_default()
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

/// Empty if no policy needs it.
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
