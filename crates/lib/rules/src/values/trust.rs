//! Trust of sessions, and trust policies.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use crate::values::network::Network;
use crate::values::pattern::Pattern;

/// Whether a session is trusted, with reasons.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Trust {
    /// The answer.
    pub trusted: bool,
    /// Its stable name: `trust-policy`, `distrust-policy`, `authenticated`, `gateway-peer`,
    /// `proxy-peer`, `internal-peer`, `public-peer`, `external-listener`, `dmz-listener`.
    pub name: &'static str,
    /// Whether the session is untrusted only until the DNS answers a policy's query: refusals for lack of
    /// trust are then temporary.
    pub provisional: bool,
    /// The deciding fact or policy.
    pub reasons: Vec<Cow<'static, str>>,
}

impl Trust {
    /// The class of receiving rules that applies to the session.
    pub fn class(&self) -> &'static str {
        class(self.trusted)
    }
}

/// The class of receiving rules of trusted or other sessions.
pub(crate) fn class(trusted: bool) -> &'static str {
    if trusted { "trusted" } else { "untrusted" }
}

/// The action of a trust policy for matching sessions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrustAction {
    /// Trusts them.
    Trust,
    /// Does not trust them, whatever else applies.
    Distrust,
}

/// A trust policy of the administrator.
#[derive(Clone, Debug)]
pub(crate) struct TrustPolicy {
    pub(crate) name: Arc<str>,
    pub(crate) action: TrustAction,
    pub(crate) wanted: Where,
    pub(crate) line: usize,
}

/// Conditions, all of which must hold; of a list, one entry. Empty or absent ones always hold.
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
