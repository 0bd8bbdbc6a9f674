//! Who is trusted: decided once a session, and again when a fact changes.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use crate::facts::{ListenerClass, SessionFacts};
use crate::network::{Network, is_internal};
use crate::path::ReversePath;
use crate::pattern::Pattern;
use crate::policy::Policy;

/// Whether a session is trusted, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Trust {
    /// The answer.
    pub trusted: bool,
    /// Its stable name: `trust-policy`, `distrust-policy`, `authenticated`, `gateway-peer`,
    /// `internal-peer`, `public-peer`, `external-listener`, `dmz-listener`.
    pub name: &'static str,
    /// Which fact or policy decided.
    pub reasons: Vec<Cow<'static, str>>,
}

impl Trust {
    /// The class of receiving rules that the session is held to.
    pub fn class(&self) -> &'static str {
        if self.trusted { "trusted" } else { "untrusted" }
    }
}

/// What a trust policy does with the sessions it matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrustAction {
    /// Trusts them.
    Trust,
    /// Does not trust them, whoever they are.
    Distrust,
}

/// One of the administrator's trust policies.
#[derive(Clone, Debug)]
pub(crate) struct TrustPolicy {
    pub(crate) name: Arc<str>,
    pub(crate) action: TrustAction,
    pub(crate) wanted: Where,
    pub(crate) line: usize,
}

/// Conditions, all of which must hold; of a list, one. Empty or absent ones say nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Where {
    pub(crate) networks: Vec<Network>,
    pub(crate) senders: Vec<Pattern>,
    pub(crate) helo: Vec<Pattern>,
    pub(crate) logins: Vec<Pattern>,
    pub(crate) listeners: Vec<Pattern>,
    pub(crate) tls: Option<bool>,
    pub(crate) authenticated: Option<bool>,
}

impl Where {
    /// The first condition that does not hold.
    pub(crate) fn mismatch(
        &self,
        facts: &SessionFacts,
        sender: Option<&ReversePath>,
    ) -> Option<&'static str> {
        if !self.networks.is_empty() && !self.networks.iter().any(|n| n.contains(facts.peer)) {
            return Some("network");
        }
        if !matches_any(&self.helo, facts.helo.as_deref()) {
            return Some("helo");
        }
        if !matches_any(&self.logins, facts.login.as_deref()) {
            return Some("login");
        }
        if !matches_any(&self.listeners, Some(&facts.listener)) {
            return Some("listener");
        }
        if self.tls.is_some_and(|tls| tls != facts.tls) {
            return Some("tls");
        }
        if self
            .authenticated
            .is_some_and(|wanted| wanted != facts.login.is_some())
        {
            return Some("authenticated");
        }
        // Last, since it is the one that takes work. `<>` is matched by no pattern: they have `@`.
        if !self.senders.is_empty() {
            let sender = sender.map(ToString::to_string);
            if !matches_any(&self.senders, sender.as_deref()) {
                return Some("sender");
            }
        }
        None
    }

    /// Why anyone at all could meet these conditions, if so.
    pub(crate) fn opens_to_everyone(&self) -> Option<&'static str> {
        if self.networks.iter().any(Network::is_everything) {
            return Some("this trusts every address there is, and so makes an open relay");
        }
        let names_someone = !self.networks.is_empty()
            || !self.senders.is_empty()
            || !self.helo.is_empty()
            || !self.logins.is_empty()
            || !self.listeners.is_empty()
            || self.authenticated == Some(true);
        if !names_someone && (self.tls.is_some() || self.authenticated.is_some()) {
            return Some(
                "anyone can meet this condition, which makes an open relay; \
                 add a network, login or listener",
            );
        }
        None
    }
}

fn matches_any(patterns: &[Pattern], text: Option<&str>) -> bool {
    patterns.is_empty()
        || text.is_some_and(|text| patterns.iter().any(|pattern| pattern.matches(text)))
}

impl Policy {
    /// Decides by what is known before MAIL. To be asked again after HELO, STARTTLS and AUTH.
    pub fn trust(&self, facts: &SessionFacts) -> Trust {
        self.decide(facts, None)
    }

    /// Decides for one transaction, when the sender is known too.
    pub fn trust_of_sender(&self, facts: &SessionFacts, sender: &ReversePath) -> Trust {
        self.decide(facts, Some(sender))
    }

    fn decide(&self, facts: &SessionFacts, sender: Option<&ReversePath>) -> Trust {
        self.trust_policies()
            .iter()
            .find(|policy| policy.wanted.mismatch(facts, sender).is_none())
            .map_or_else(|| by_facts(facts), by_policy)
    }
}

fn by_policy(policy: &TrustPolicy) -> Trust {
    let trusted = policy.action == TrustAction::Trust;
    Trust {
        trusted,
        name: if trusted {
            "trust-policy"
        } else {
            "distrust-policy"
        },
        reasons: vec![format!("trust policy \"{}\" matches", policy.name).into()],
    }
}

/// What holds when no policy speaks.
pub(crate) fn by_facts(facts: &SessionFacts) -> Trust {
    let answer = |trusted, name, reason: Cow<'static, str>| Trust {
        trusted,
        name,
        reasons: vec![reason],
    };
    if let Some(login) = &facts.login {
        return answer(
            true,
            "authenticated",
            format!("logged in as {login}").into(),
        );
    }
    let peer = facts.peer.to_canonical();
    // A NAT router makes the Internet look local.
    if facts.gateways.iter().any(|g| g.to_canonical() == peer) {
        let reason = format!("the peer {peer} is a default gateway of this host");
        return answer(false, "gateway-peer", reason.into());
    }
    match facts.class {
        ListenerClass::Internal => {
            let reason = format!("the listener {} is internal", facts.listener);
            answer(true, "internal-peer", reason.into())
        }
        ListenerClass::External => {
            let reason = format!("the listener {} is external", facts.listener);
            answer(false, "external-listener", reason.into())
        }
        ListenerClass::Dmz => {
            let reason = format!("the listener {} is in a DMZ", facts.listener);
            answer(false, "dmz-listener", reason.into())
        }
        ListenerClass::Auto => by_addresses(facts.local.to_canonical(), peer),
    }
}

/// A class that was found, not set, is believed only as far as the peer's own address bears it
/// out: a router that forwards a port keeps the Internet's addresses and delivers to a private one.
fn by_addresses(local: IpAddr, peer: IpAddr) -> Trust {
    let (trusted, name, reason) = if !is_internal(local) {
        let reason = format!("the local address {local} is not an internal one");
        (false, "external-listener", reason)
    } else if !is_internal(peer) {
        let reason = format!("the peer's address {peer} is not an internal one");
        (false, "public-peer", reason)
    } else {
        let reason = format!("the local address {local} and the peer {peer} are internal");
        (true, "internal-peer", reason)
    };
    Trust {
        trusted,
        name,
        reasons: vec![reason.into()],
    }
}
