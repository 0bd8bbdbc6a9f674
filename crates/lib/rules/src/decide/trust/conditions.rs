//! The conditions of a trust policy.

use crate::values::facts::{ReverseName, SessionFacts};
use crate::values::path::ReversePath;
use crate::values::pattern::Pattern;
use crate::values::trust::{TrustAction, Where};

/// The result of evaluating conditions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Matches,
    /// The first condition that does not hold.
    Mismatch(&'static str),
    /// All hold, except that the DNS does not answer.
    Unknown,
}

impl Where {
    pub(crate) fn answer(
        &self,
        action: TrustAction,
        facts: &SessionFacts,
        sender: Option<&ReversePath>,
    ) -> Answer {
        if let Some(condition) = self.fixed_mismatch(action, facts) {
            return Answer::Mismatch(condition);
        }
        if !matches_any(&self.helo, facts.helo.as_deref()) {
            return Answer::Mismatch("helo");
        }
        if !matches_any(&self.logins, facts.login.as_deref()) {
            return Answer::Mismatch("login");
        }
        if self.tls.is_some_and(|tls| tls != facts.tls) {
            return Answer::Mismatch("tls");
        }
        if self
            .authenticated
            .is_some_and(|wanted| wanted != facts.login.is_some())
        {
            return Answer::Mismatch("authenticated");
        }
        // Patterns take work, so they are evaluated late. No pattern matches `<>`: patterns contain `@`.
        if !self.senders.is_empty() {
            let sender = sender.map(ToString::to_string);
            if !matches_any(&self.senders, sender.as_deref()) {
                return Answer::Mismatch("sender");
            }
        }
        self.reverse_name(facts)
    }

    /// The conditions on facts that do not change in a session.
    fn fixed_mismatch(&self, action: TrustAction, facts: &SessionFacts) -> Option<&'static str> {
        // The address of a proxy without a known client is not trusted.
        let unknown_peer = action == TrustAction::Trust && facts.peer_is_proxy();
        let in_network = || self.networks.iter().any(|n| n.contains(facts.peer));
        if !self.networks.is_empty() && (unknown_peer || !in_network()) {
            return Some("network");
        }
        if !self.reverse_names.is_empty() && unknown_peer {
            return Some("reverse-dns");
        }
        (!matches_any(&self.listeners, Some(&facts.listener))).then_some("listener")
    }

    fn reverse_name(&self, facts: &SessionFacts) -> Answer {
        if self.reverse_names.is_empty() {
            return Answer::Matches;
        }
        match &facts.reverse_name {
            ReverseName::Confirmed(names)
                if names
                    .iter()
                    .any(|name| matches_any(&self.reverse_names, Some(name))) =>
            {
                Answer::Matches
            }
            ReverseName::Confirmed(_) | ReverseName::None => Answer::Mismatch("reverse-dns"),
            ReverseName::Failed | ReverseName::NotAsked => Answer::Unknown,
        }
    }

    /// Whether the DNS must be queried before these conditions can be decided in this session.
    pub(crate) fn asks_reverse_name(&self, action: TrustAction, facts: &SessionFacts) -> bool {
        !self.reverse_names.is_empty() && self.fixed_mismatch(action, facts).is_none()
    }
}

fn matches_any(patterns: &[Pattern], text: Option<&str>) -> bool {
    patterns.is_empty()
        || text.is_some_and(|text| patterns.iter().any(|pattern| pattern.matches(text)))
}
