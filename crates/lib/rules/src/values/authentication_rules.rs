//! Rules of sender authentication: which checks are made, and the actions for their results.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::values::authentication::{Action, AuthenticationResult};
use crate::values::domain::Domain;

/// The checks of sender authentication, and the actions for their results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuthenticationRules {
    /// SPF (RFC 7208).
    pub spf: MethodRules,
    /// DKIM (RFC 6376).
    pub dkim: MethodRules,
    /// DMARC (RFC 7489). Needs the results of SPF and DKIM, which are then looked up too.
    pub dmarc: DmarcRules,
    /// Whether chains of ARC (RFC 8617) are verified.
    pub arc: bool,
    /// Trusted sealers: a DMARC failure is excused if one of them sealed the message last.
    pub arc_trusted: Vec<Domain>,
    /// Whether the peer's reverse DNS name must resolve to its address (RFC 8601 §3).
    pub iprev: MethodRules,
}

/// The actions for the results of one check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MethodRules {
    /// Whether the check is made.
    pub checked: bool,
    /// The action by result; default: accept.
    pub actions: BTreeMap<AuthenticationResult, Action>,
}

/// The rules for DMARC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DmarcRules {
    /// Whether it is checked.
    pub checked: bool,
    /// The action for a failure if the domain requests `reject`.
    pub reject: Action,
    /// The action for a failure if the domain requests `quarantine`.
    pub quarantine: Action,
    /// The action for a failure if the domain requests nothing.
    pub none: Action,
    /// The action for an invalid record, or a message without an author or with authors of several domains.
    pub permerror: Action,
    /// The action if the DNS does not answer.
    pub temperror: Action,
}

impl MethodRules {
    /// The action for a result.
    pub fn action(&self, result: AuthenticationResult) -> Action {
        self.actions.get(&result).copied().unwrap_or_default()
    }
}

impl DmarcRules {
    /// Checked, without actions.
    pub(crate) fn checked() -> Self {
        Self {
            checked: true,
            ..Self::default()
        }
    }

    /// The request of the author's domain is followed.
    pub(crate) fn followed() -> Self {
        Self {
            reject: Action::Refuse,
            quarantine: Action::Junk,
            ..Self::checked()
        }
    }
}

impl AuthenticationRules {
    /// Whether SPF is evaluated, for itself or for DMARC.
    pub fn needs_spf(&self) -> bool {
        self.spf.checked || self.dmarc.checked
    }

    /// Whether signatures are verified, for themselves or for DMARC.
    pub fn needs_dkim(&self) -> bool {
        self.dkim.checked || self.dmarc.checked
    }

    /// Whether the message itself is checked.
    pub fn needs_message(&self) -> bool {
        self.needs_dkim() || self.arc
    }

    /// Whether any check is made.
    pub fn needs_anything(&self) -> bool {
        self.needs_spf() || self.needs_message() || self.iprev.checked
    }
}
