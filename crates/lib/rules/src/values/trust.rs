//! Whether a session is trusted, and the policies that say so.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use crate::values::network::Network;
use crate::values::pattern::Pattern;

/// Whether a session is trusted, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Trust {
    /// The answer.
    pub trusted: bool,
    /// Its stable name: `trust-policy`, `distrust-policy`, `authenticated`, `gateway-peer`,
    /// `proxy-peer`, `internal-peer`, `public-peer`, `external-listener`, `dmz-listener`.
    pub name: &'static str,
    /// Whether the session is untrusted only until the DNS answers what a policy asks: what is
    /// refused for that is refused for now.
    pub provisional: bool,
    /// Which fact or policy decided.
    pub reasons: Vec<Cow<'static, str>>,
}

impl Trust {
    /// The class of receiving rules that the session is held to.
    pub fn class(&self) -> &'static str {
        class(self.trusted)
    }
}

/// The class of receiving rules of the trusted, and of all others.
pub(crate) fn class(trusted: bool) -> &'static str {
    if trusted { "trusted" } else { "untrusted" }
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
    pub(crate) reverse_names: Vec<Pattern>,
    pub(crate) tls: Option<bool>,
    pub(crate) authenticated: Option<bool>,
}
