//! What is checked of who vouches for a sender, and what the results do.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::values::authentication::{Action, AuthenticationResult};
use crate::values::domain::Domain;

/// What is checked of who vouches for a sender, and what the results do.
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
    /// Who is believed that a message was authentic before it was changed: nothing is held against
    /// a message for DMARC that one of them sealed last.
    pub arc_trusted: Vec<Domain>,
    /// Whether the peer's address has a name that has that address (RFC 8601 §3).
    pub iprev: MethodRules,
}

/// What the results of one check do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MethodRules {
    /// Whether the check is made.
    pub checked: bool,
    /// By result; what is not here is accepted.
    pub actions: BTreeMap<AuthenticationResult, Action>,
}

/// What DMARC does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DmarcRules {
    /// Whether it is checked.
    pub checked: bool,
    /// A failure whose domain asks to refuse.
    pub reject: Action,
    /// A failure whose domain asks to be suspicious.
    pub quarantine: Action,
    /// A failure whose domain asks for nothing.
    pub none: Action,
    /// A record that is wrong, or a message with no author or authors of several domains.
    pub permerror: Action,
    /// No answer of the DNS.
    pub temperror: Action,
}

impl MethodRules {
    /// What a result does.
    pub fn action(&self, result: AuthenticationResult) -> Action {
        self.actions.get(&result).copied().unwrap_or_default()
    }
}

impl DmarcRules {
    /// It is checked, and nothing follows from the results.
    pub(crate) fn checked() -> Self {
        Self {
            checked: true,
            ..Self::default()
        }
    }

    /// What the domain of the author asks for is done.
    pub(crate) fn followed() -> Self {
        Self {
            reject: Action::Refuse,
            quarantine: Action::Junk,
            ..Self::checked()
        }
    }
}

impl AuthenticationRules {
    /// Whether SPF is looked up, for itself or for DMARC.
    pub fn needs_spf(&self) -> bool {
        self.spf.checked || self.dmarc.checked
    }

    /// Whether signatures are verified, for themselves or for DMARC.
    pub fn needs_dkim(&self) -> bool {
        self.dkim.checked || self.dmarc.checked
    }

    /// Whether the message itself is looked at.
    pub fn needs_message(&self) -> bool {
        self.needs_dkim() || self.arc
    }

    /// Whether anything is checked.
    pub fn needs_anything(&self) -> bool {
        self.needs_spf() || self.needs_message() || self.iprev.checked
    }
}
