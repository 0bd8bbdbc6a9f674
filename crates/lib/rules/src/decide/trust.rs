//! Trust decisions: once for each session, and again when a fact changes.

mod conditions;

use std::borrow::Cow;
use std::net::IpAddr;

use crate::values::facts::{ListenerClass, SessionFacts};
use crate::values::interface::{NetworkClass, SessionInterface};
use crate::values::network::is_internal;
use crate::values::path::ReversePath;
use crate::values::policy::Policy;
use crate::values::trust::{Trust, TrustAction, TrustPolicy};
use crate::values::verdict::{Verdict, refusals};

pub(crate) use conditions::Answer;

impl Policy {
    /// Decides by the facts before MAIL. Called again after HELO, STARTTLS and AUTH.
    pub fn trust(&self, facts: &SessionFacts) -> Trust {
        self.decide(facts, None)
    }

    /// Decides for one transaction, with the sender.
    pub fn trust_of_sender(&self, facts: &SessionFacts, sender: &ReversePath) -> Trust {
        self.decide(facts, Some(sender))
    }

    /// Whether a policy needs the peer's reverse DNS name to decide about this session.
    pub fn asks_reverse_name(&self, facts: &SessionFacts) -> bool {
        self.trust_policies()
            .iter()
            .any(|policy| policy.wanted.asks_reverse_name(policy.action, facts))
    }

    fn decide(&self, facts: &SessionFacts, sender: Option<&ReversePath>) -> Trust {
        let mut provisional = false;
        for policy in self.trust_policies() {
            match policy.answer(facts, sender) {
                Answer::Matches => return by_policy(policy, provisional),
                Answer::Mismatch(_) => {}
                // Fail closed (I8): without an answer a client that might be distrusted is not trusted.
                Answer::Unknown if policy.action == TrustAction::Distrust => {
                    return by_policy(policy, true);
                }
                Answer::Unknown => provisional = true,
            }
        }
        let trust = by_facts(facts);
        Trust {
            provisional: provisional && !trust.trusted,
            ..trust
        }
    }
}

impl TrustPolicy {
    /// Whether the policy matches this session.
    pub(crate) fn answer(&self, facts: &SessionFacts, sender: Option<&ReversePath>) -> Answer {
        self.wanted.answer(self.action, facts, sender)
    }
}

fn by_policy(policy: &TrustPolicy, provisional: bool) -> Trust {
    let trusted = policy.action == TrustAction::Trust;
    Trust {
        provisional: provisional && !trusted,
        trusted,
        name: if trusted {
            "trust-policy"
        } else {
            "distrust-policy"
        },
        reasons: vec![format!("trust policy \"{}\" matches", policy.name).into()],
    }
}

/// The decision if no policy matches.
pub(crate) fn by_facts(facts: &SessionFacts) -> Trust {
    let answer = |trusted, name, reason: Cow<'static, str>| Trust {
        trusted,
        name,
        provisional: false,
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
    // A NAT router makes Internet clients look local.
    if facts.gateways.iter().any(|g| g.to_canonical() == peer) {
        let reason = format!("the peer {peer} is a default gateway of this host");
        return answer(false, "gateway-peer", reason.into());
    }
    if facts.peer_is_proxy() {
        let reason = format!("{peer} is a proxy, and does not say whom it speaks for");
        return answer(false, "proxy-peer", reason.into());
    }
    let listener = &facts.listener;
    let (trusted, name, reason) = match facts.class {
        ListenerClass::Internal => {
            by_class(NetworkClass::Internal, &format!("listener {listener}"))
        }
        ListenerClass::External => {
            by_class(NetworkClass::External, &format!("listener {listener}"))
        }
        ListenerClass::Dmz => by_class(NetworkClass::Dmz, &format!("listener {listener}")),
        ListenerClass::Auto => match &facts.interface {
            Some(interface) => by_interface(interface, peer),
            None => by_addresses(facts.local.to_canonical(), peer),
        },
    };
    answer(trusted, name, reason.into())
}

type Found = (bool, &'static str, String);

/// A class set by the administrator applies as is.
fn by_class(class: NetworkClass, what: &str) -> Found {
    match class {
        NetworkClass::Internal => (true, "internal-peer", format!("the {what} is internal")),
        NetworkClass::External => (
            false,
            "external-listener",
            format!("the {what} is external"),
        ),
        NetworkClass::Dmz => (false, "dmz-listener", format!("the {what} is in a DMZ")),
    }
}

/// A detected class applies only if the peer's own address fits: a router that forwards a port keeps
/// Internet addresses and delivers to a private one.
fn by_interface(interface: &SessionInterface, peer: IpAddr) -> Found {
    let what = format!("interface {}", interface.name);
    let (trusted, name, reason) = by_class(interface.class, &what);
    if trusted && !interface.set && !is_internal(peer) {
        return public_peer(peer);
    }
    (trusted, name, format!("{reason}: {}", interface.reason))
}

/// The same if only addresses are known: a simulated session.
fn by_addresses(local: IpAddr, peer: IpAddr) -> Found {
    if !is_internal(local) {
        let reason = format!("the local address {local} is not an internal one");
        (false, "external-listener", reason)
    } else if !is_internal(peer) {
        public_peer(peer)
    } else {
        let reason = format!("the local address {local} and the peer {peer} are internal");
        (true, "internal-peer", reason)
    }
}

fn public_peer(peer: IpAddr) -> Found {
    let reason = format!("the peer's address {peer} is not an internal one");
    (false, "public-peer", reason)
}

/// A refusal for lack of trust is temporary while the DNS has not answered.
pub(crate) fn until_trust_is_known(trust: &Trust, verdict: Verdict) -> Verdict {
    if !trust.provisional || verdict.is_accepted() || verdict.is_temporary() {
        return verdict;
    }
    refusals::TRUST_UNKNOWN
        .because("the DNS does not answer what a trust policy asks of the peer's name")
        .because(format!("without it: {verdict}"))
}
