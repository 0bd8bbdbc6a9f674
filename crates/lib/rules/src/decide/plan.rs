//! The plan for one recipient.

use std::sync::Arc;

use crate::values::address::EmailAddress;
use crate::values::plan::{Derivation, Plan};
use crate::values::policy::Policy;
use crate::values::route::{NoUser, Route};

impl Policy {
    /// The plan for a recipient, for any sender: the relay rule was applied when the message was accepted.
    pub fn plan(&self, recipient: &EmailAddress) -> Plan {
        Plan {
            end: self.route(recipient),
            also: Vec::new(),
        }
    }
}

impl NoUser {
    /// The plan for a recipient whose user has no mailbox, if it makes another message.
    pub fn plan(&self) -> Option<Plan> {
        let Self::Forward(to) = self else {
            return None;
        };
        // Only the postmaster's mail is forwarded from here.
        let rule: Arc<str> = "[delivery] postmaster".into();
        Some(Plan {
            end: Route::Forward { rule },
            also: vec![Derivation::Forward(to.clone())],
        })
    }
}
