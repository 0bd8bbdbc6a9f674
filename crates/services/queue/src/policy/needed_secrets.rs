//! The secrets that the policy names for each process. A process cannot read any other secret.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use api::rights::{COLLECTOR, DELIVERY};
use rules::Policy;
use service_kit::Caller;

use super::revisions::Policies;
use crate::sql::revisions::Revision;

/// The secrets that the newest revision names, by process.
#[derive(Debug)]
pub(super) struct NeededSecrets {
    policies: Arc<Policies>,
    named: Mutex<Named>,
}

impl NeededSecrets {
    pub(super) fn new(policies: Arc<Policies>) -> Self {
        Self {
            policies,
            named: Mutex::default(),
        }
    }

    /// Whether the policy names this secret for the caller.
    pub(super) async fn by(&self, caller: Caller, name: &str) -> Result<bool, sqlx::Error> {
        if self.is_named(caller, name) {
            return Ok(true);
        }
        // The caller may know a newer revision, from another replica.
        self.policies.refresh().await?;
        Ok(self.is_named(caller, name))
    }

    fn is_named(&self, caller: Caller, name: &str) -> bool {
        let newest = Arc::clone(&self.policies.watch().borrow());
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.follow(&newest);
        caller.is(DELIVERY) && named.by_gateways.contains(name)
            || caller.is(COLLECTOR) && named.by_accounts.contains(name)
    }
}

#[derive(Debug, Default)]
struct Named {
    revision: i64,
    by_gateways: HashSet<String>,
    by_accounts: HashSet<String>,
}

impl Named {
    /// Updates the names from the newest revision. They stay if it cannot be read: a later version may have written
    /// it.
    fn follow(&mut self, newest: &Revision) {
        if self.revision == newest.revision {
            return;
        }
        self.revision = newest.revision;
        let Ok(policy) = Policy::parse(&newest.document) else {
            return;
        };
        let logins = policy.gateways().filter_map(|one| one.login.as_ref());
        self.by_gateways = logins.map(|login| login.secret.clone()).collect();
        let accounts = policy.collect_accounts().iter();
        self.by_accounts = accounts.map(|one| one.login.secret.clone()).collect();
    }
}
