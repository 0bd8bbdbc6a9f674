//! What becomes of one recipient.

use std::sync::Arc;

use crate::values::address::EmailAddress;
use crate::values::plan::{Derivation, Plan};
use crate::values::policy::Policy;
use crate::values::route::{NoUser, Route};

impl Policy {
    /// What becomes of a recipient, whoever sent to it: the relay rule was kept when it was accepted.
    pub fn plan(&self, recipient: &EmailAddress) -> Plan {
        Plan {
            end: self.route(recipient),
            also: Vec::new(),
        }
    }
}

impl NoUser {
    /// What becomes of a recipient whose user has no mailbox, where that is another message.
    pub fn plan(&self) -> Option<Plan> {
        let Self::Forward(to) = self else {
            return None;
        };
        // Nobody else's mail goes on from here.
        let rule: Arc<str> = "[delivery] postmaster".into();
        Some(Plan {
            end: Route::Forward { rule },
            also: vec![Derivation::Forward(to.clone())],
        })
    }
}
