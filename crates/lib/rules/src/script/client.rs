//! The listener and the client of a session.

use std::net::IpAddr;
use std::sync::Arc;

use super::words::unknown;
use crate::explain::assumptions::Assumptions;
use crate::values::facts::{
    ListenerClass, ListenerRole, ReverseName, SessionFacts, supposed_local,
};
use crate::values::interface::{NetworkClass, SessionInterface};

/// The listener of the following sessions.
pub(super) struct Listener {
    name: Arc<str>,
    class: ListenerClass,
    /// The role, if the script gives it.
    pub(super) role: Option<ListenerRole>,
    local: Option<IpAddr>,
    gateways: Arc<[IpAddr]>,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            name: "mx".into(),
            class: ListenerClass::Auto,
            role: None,
            local: None,
            gateways: Arc::new([]),
        }
    }
}

type SetFact = fn(&mut SessionFacts, &str) -> Result<(), String>;

/// Options of a client that are facts of its session. For assumptions about the world see
/// [`ASSUMPTIONS`].
const CLIENT: &[(&str, SetFact)] = &[
    ("local", |facts, value| {
        facts.local = address(value)?;
        Ok(())
    }),
    ("interface", |facts, value| {
        facts.interface = Some(interface(value)?);
        Ok(())
    }),
    ("proxy", |facts, value| {
        facts.proxy = Some(address(value)?);
        Ok(())
    }),
    ("reverse-name", |facts, value| {
        facts.reverse_name = reverse_name(value)?;
        Ok(())
    }),
];

/// `listener NAME [CLASS] [role=ROLE] [local=ADDRESS] [gateway=ADDRESS]...`
pub(super) fn listener(words: &[&str]) -> Result<Listener, String> {
    let Some((name, options)) = words.split_first() else {
        return Err("`listener` needs a name".to_owned());
    };
    let mut listener = Listener {
        name: (*name).into(),
        ..Listener::default()
    };
    let mut gateways = Vec::new();
    for word in options {
        match word.split_once('=') {
            Some(("role", value)) => {
                let role = value.parse();
                listener.role = Some(role.map_err(|reason| format!("`{value}`: {reason}"))?);
            }
            Some(("local", value)) => listener.local = Some(address(value)?),
            Some(("gateway", value)) => gateways.push(address(value)?),
            None => listener.class = class(word)?,
            Some(_) => return Err(unknown(word, "a class, role=, local= and gateway=")),
        }
    }
    listener.gateways = gateways.into();
    Ok(listener)
}

/// Its assumptions, and their names in statements; `early` alone means before the greeting.
const ASSUMPTIONS: &[(&str, &str)] = &[
    ("early", "early"),
    ("listed", "listed"),
    ("rate", "connections"),
];

/// `client ADDRESS [local=ADDRESS]`, and the other options of `CLIENT` and `ASSUMPTIONS`.
pub(super) fn client(
    listener: &Listener,
    words: &[&str],
) -> Result<(SessionFacts, Assumptions), String> {
    let Some((peer, options)) = words.split_first() else {
        return Err("`client` needs an address".to_owned());
    };
    let peer = address(peer)?;
    let local = listener.local.unwrap_or_else(|| supposed_local(peer));
    let mut facts = SessionFacts::new(Arc::clone(&listener.name), peer, local);
    facts.class = listener.class;
    facts.role = listener.role.unwrap_or_default();
    facts.gateways = Arc::clone(&listener.gateways);
    facts.reverse_name = ReverseName::None;
    let mut assumptions = Assumptions::default();
    for word in options {
        let word = if *word == "early" {
            "early=greeting"
        } else {
            word
        };
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        if let Some((_, set)) = CLIENT.iter().find(|(known, _)| *known == name) {
            set(&mut facts, value)?;
        } else if let Some((_, assumption)) = ASSUMPTIONS.iter().find(|(known, _)| *known == name) {
            assumptions.set(assumption, value)?;
        } else {
            let known = CLIENT.iter().map(|(known, _)| known);
            let known = known.chain(ASSUMPTIONS.iter().map(|(known, _)| known));
            let known: Vec<String> = known.map(|known| format!("{known}=")).collect();
            return Err(unknown(word, &known.join(", ")));
        }
    }
    Ok((facts, assumptions))
}

/// A detected class, or `CLASS,set` for a configured one.
fn interface(value: &str) -> Result<SessionInterface, String> {
    let (class, set) = match value.strip_suffix(",set") {
        Some(class) => (class, true),
        None => (value, false),
    };
    let class: NetworkClass = class
        .parse()
        .map_err(|reason| format!("`{class}`: {reason}"))?;
    Ok(SessionInterface {
        name: "of the script".into(),
        class,
        set,
        reason: "the script says so".into(),
    })
}

fn reverse_name(value: &str) -> Result<ReverseName, String> {
    match value {
        "" => Err("`reverse-name=` needs a name, or `none` or `failed`".to_owned()),
        "none" => Ok(ReverseName::None),
        "failed" => Ok(ReverseName::Failed),
        names => {
            let names = names.split(',').map(str::to_lowercase);
            Ok(ReverseName::Confirmed(names.collect()))
        }
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is no IP address"))
}

fn class(word: &str) -> Result<ListenerClass, String> {
    word.parse().map_err(|reason| format!("`{word}`: {reason}"))
}
