//! What becomes of one recipient: where it ends, and the messages that are made of its message beside that.

use std::sync::Arc;

use crate::address::EmailAddress;
use crate::policy::Policy;
use crate::routing::{NoUser, Route};

/// The end of a recipient, and what is made beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Where it ends.
    pub end: Route,
    /// Messages that are made when it ends there, and recorded together with that.
    pub also: Vec<Derivation>,
}

/// A message that is made of another at a recipient's end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Derivation {
    /// The same message, from the same sender, to this address instead of the recipient's.
    Forward(EmailAddress),
}

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
