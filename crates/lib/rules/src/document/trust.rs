//! `[[trust]]`: the administrator's ordered trust policies.

use std::sync::Arc;

use crate::document::read::{Keys, Section};
use crate::values::domain::Domain;
use crate::values::network::Network;
use crate::values::pattern::Pattern;
use crate::values::trust::{TrustAction, TrustPolicy, Where};

/// An enabled trust policy.
pub(crate) struct TrustSection {
    pub(crate) policy: TrustPolicy,
}

const KEYS: Keys = Keys {
    known: &["name", "action", "where", "enabled"],
    planned: &[],
};

const WHERE: Keys = Keys {
    known: &[
        "network",
        "sender",
        "helo",
        "login",
        "listener",
        "reverse-dns",
        "tls",
        "authenticated",
    ],
    planned: &[],
};

impl TrustSection {
    pub(crate) fn read_all(top: &Section<'_, '_>) -> Vec<Self> {
        top.sections("trust", "[[trust]]", &KEYS)
            .iter()
            .enumerate()
            .filter_map(|(index, section)| Self::read(index, section))
            .collect()
    }

    fn read(index: usize, section: &Section<'_, '_>) -> Option<Self> {
        section.missing("action", "\"trust\" or \"distrust\"");
        section.missing("where", "{ network = \"10.20.0.0/16\" }");
        let action = section.parsed("action", |text| match text {
            "trust" => Ok(TrustAction::Trust),
            "distrust" => Ok(TrustAction::Distrust),
            _ => Err("it can be \"trust\" or \"distrust\""),
        });
        let name = section
            .text("name")
            .map_or_else(|| format!("trust policy {}", index + 1), str::to_owned);
        let enabled = section.boolean("enabled").unwrap_or(true);
        let conditions = section.section("where", "`where`", &WHERE)?;
        let wanted = read_where(&conditions);
        let action = action?;
        if action == TrustAction::Trust
            && let Some(reason) = wanted.opens_to_everyone()
        {
            conditions.reader.refuse(conditions.line(), reason);
        }
        enabled.then(|| Self {
            policy: TrustPolicy {
                name: Arc::from(name),
                action,
                wanted,
                line: section.line(),
            },
        })
    }
}

fn read_where(section: &Section<'_, '_>) -> Where {
    let patterns = |key| {
        let list = section.list(key, |text| match text {
            "" => Err("it is empty"),
            text => Ok(Pattern::new(text)),
        });
        list.into_iter().map(|pattern| pattern.value).collect()
    };
    if WHERE.known.iter().all(|key| !section.has(key)) {
        section.reader.refuse(
            section.line(),
            "an empty `where` matches everyone; name at least one condition",
        );
    }
    Where {
        networks: section
            .list("network", str::parse::<Network>)
            .into_iter()
            .map(|network| network.value)
            .collect(),
        senders: section
            .list("sender", sender_pattern)
            .into_iter()
            .map(|sender| sender.value)
            .collect(),
        helo: patterns("helo"),
        logins: patterns("login"),
        listeners: patterns("listener"),
        reverse_names: section
            .list("reverse-dns", name_pattern)
            .into_iter()
            .map(|name| name.value)
            .collect(),
        tls: section.boolean("tls"),
        authenticated: section.boolean("authenticated"),
    }
}

/// `bob@example.test`, `*@example.test`; domains are compared as A-labels.
pub(crate) fn sender_pattern(text: &str) -> Result<Pattern, &'static str> {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Err("it needs `@`, such as \"*@example.test\"");
    };
    if domain.contains(['*', '?']) {
        return Ok(Pattern::new(text));
    }
    let domain = Domain::parse(domain).map_err(|error| error.0)?;
    Ok(Pattern::new(&format!("{local}@{domain}")))
}

/// `mail.partner.test`, `*.partner.test`; names are compared as A-labels.
fn name_pattern(text: &str) -> Result<Pattern, &'static str> {
    let (wildcard, name) = match text.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", text),
    };
    if name.contains(['*', '?']) {
        return match text.is_ascii() {
            true => Ok(Pattern::new(text)),
            false => Err("write names with other wildcards than a leading `*.` in ASCII"),
        };
    }
    let name = Domain::parse(name).map_err(|error| error.0)?;
    Ok(Pattern::new(&format!("{wildcard}{name}")))
}

impl Where {
    /// The reason why every client could meet these conditions, if so.
    fn opens_to_everyone(&self) -> Option<&'static str> {
        if self.networks.iter().any(Network::is_everything) {
            return Some("this trusts every address there is, and so makes an open relay");
        }
        if self.reverse_names.iter().any(Pattern::is_everything) {
            return Some("this trusts whoever has a name in the DNS, and so makes an open relay");
        }
        let names_someone = !self.networks.is_empty()
            || !self.logins.is_empty()
            || !self.listeners.is_empty()
            || !self.reverse_names.is_empty()
            || self.authenticated == Some(true);
        if names_someone {
            None
        } else if !self.senders.is_empty() || !self.helo.is_empty() {
            Some(
                "anyone can say that they are this sender or host, which makes an open relay; \
                 add a network, login, listener or reverse-dns",
            )
        } else if self.tls.is_some() || self.authenticated.is_some() {
            Some(
                "anyone can meet this condition, which makes an open relay; \
                 add a network, login or listener",
            )
        } else {
            None
        }
    }
}
