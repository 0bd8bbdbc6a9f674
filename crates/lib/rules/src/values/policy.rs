//! The policy: all decisions of the administrator.

use std::collections::HashMap;
use std::sync::Arc;

use crate::values::address::EmailAddress;
use crate::values::collect::CollectAccount;
use crate::values::delivery::DeliverySettings;
use crate::values::domain::Domain;
use crate::values::domain_rule::{Delivery, DomainRule};
use crate::values::gateway::Gateway;
use crate::values::quarantine::QuarantineSettings;
use crate::values::receiving::ReceivingRules;
use crate::values::trust::TrustPolicy;

/// All decisions of the administrator, compiled. Immutable; share it in an `Arc`.
#[derive(Debug)]
pub struct Policy {
    pub(crate) delivery: DeliverySettings,
    /// The route of mail without a domain rule, unless `everything_else` is set.
    pub(crate) remote: Delivery,
    pub(crate) trust: Vec<TrustPolicy>,
    pub(crate) trusted: ReceivingRules,
    pub(crate) untrusted: ReceivingRules,
    pub(crate) quarantine: QuarantineSettings,
    pub(crate) gateways: HashMap<Arc<str>, Arc<Gateway>>,
    /// By name and by alias.
    pub(crate) domains: HashMap<Domain, Arc<DomainRule>>,
    /// In the document's order.
    pub(crate) rules: Vec<Arc<DomainRule>>,
    /// The rule `*`.
    pub(crate) everything_else: Option<Arc<DomainRule>>,
    pub(crate) collect: Vec<Arc<CollectAccount>>,
    /// The user behind `[delivery] postmaster`, if it is one of ours.
    pub(crate) postmaster: Option<EmailAddress>,
}

impl Policy {
    /// The receiving rules of a class.
    pub fn receiving(&self, trusted: bool) -> &ReceivingRules {
        if trusted {
            &self.trusted
        } else {
            &self.untrusted
        }
    }

    /// The settings of the quarantine.
    pub fn quarantine(&self) -> &QuarantineSettings {
        &self.quarantine
    }

    /// The settings of delivery.
    pub fn delivery(&self) -> &DeliverySettings {
        &self.delivery
    }

    /// The gateway with this name.
    pub fn gateway(&self, name: &str) -> Option<&Arc<Gateway>> {
        self.gateways.get(name)
    }

    /// All gateways, in arbitrary order.
    pub fn gateways(&self) -> impl Iterator<Item = &Arc<Gateway>> {
        self.gateways.values()
    }

    /// The enabled collection accounts.
    pub fn collect_accounts(&self) -> &[Arc<CollectAccount>] {
        &self.collect
    }

    /// The domain rules in the document's order.
    pub fn domains(&self) -> &[Arc<DomainRule>] {
        &self.rules
    }

    /// The rule that names a domain, by name or alias. Never the rule `*`.
    pub fn domain(&self, domain: &Domain) -> Option<&Arc<DomainRule>> {
        self.domains.get(domain)
    }

    /// Whether a domain's mail stays in this system.
    pub fn is_local(&self, domain: &Domain) -> bool {
        self.domain(domain)
            .is_some_and(|rule| rule.deliver.is_local())
    }

    pub(crate) fn trust_policies(&self) -> &[TrustPolicy] {
        &self.trust
    }

    pub(crate) fn everything_else(&self) -> Option<&Arc<DomainRule>> {
        self.everything_else.as_ref()
    }

    pub(crate) fn remote(&self) -> &Delivery {
        &self.remote
    }

    /// The user who receives the mail of `[delivery] postmaster`, if it is one of ours.
    pub fn postmaster(&self) -> Option<&EmailAddress> {
        self.postmaster.as_ref()
    }
}
