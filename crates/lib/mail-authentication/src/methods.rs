//! The selection of checks for a message.

use rules::AuthenticationRules;

/// The selected checks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Methods {
    /// Reverse DNS.
    pub iprev: bool,
    /// SPF.
    pub spf: bool,
    /// DKIM.
    pub dkim: bool,
    /// DMARC; needs SPF and DKIM.
    pub dmarc: bool,
    /// ARC.
    pub arc: bool,
}

impl From<&AuthenticationRules> for Methods {
    fn from(rules: &AuthenticationRules) -> Self {
        Self {
            iprev: rules.iprev.checked,
            spf: rules.needs_spf(),
            dkim: rules.needs_dkim(),
            dmarc: rules.dmarc.checked,
            arc: rules.arc,
        }
    }
}

impl Methods {
    /// Whether the message itself is checked.
    #[must_use]
    pub fn need_message(self) -> bool {
        self.dkim || self.dmarc || self.arc
    }
}
