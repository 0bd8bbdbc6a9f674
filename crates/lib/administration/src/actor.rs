//! The administrator who acts.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::System;

/// The administrator who requests an operation. Each call to the services names the administrator; the services know
/// from the connection whether it came from the command line or the console. Revisions of the policy and decisions
/// about mail in quarantine are recorded under the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// A user of this machine, or the address of a user of the system.
    pub name: String,
    /// Address of the client, if the operation came over the network.
    pub from: Option<IpAddr>,
}

/// A system and the acting administrator: the first argument of every operation.
#[derive(Clone, Debug)]
pub struct Administration {
    system: Arc<System>,
    actor: Actor,
}

impl Administration {
    /// The system may be shared with other actors.
    pub fn new(system: impl Into<Arc<System>>, actor: Actor) -> Self {
        Self {
            system: system.into(),
            actor,
        }
    }

    /// The system.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The acting administrator.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The acting administrator, for a call to a service.
    pub(crate) fn asking(&self) -> Option<api::actor::v1::Actor> {
        let Actor { name, from } = &self.actor;
        Some(api::actor::v1::Actor::administrator(name, *from))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use std::path::Path;

    use api::queue::v1::Component;

    use super::*;
    use crate::policy::QueriedPolicy;
    use crate::queue::{self, Filter, HistoryFilter, Retry};
    use crate::{domains, explain, quarantine, refusals, send, status, users};

    fn on_any_thread<T: Send>(_: T) {}

    /// Servers move waiting futures between threads.
    #[tokio::test]
    async fn operations_wait_on_any_thread() {
        let folder = Path::new("/srv/mail");
        let system = System::read("", folder, folder, |_| None).unwrap();
        let actor = Actor {
            name: "bob@example.test".to_owned(),
            from: Some([203, 0, 113, 9].into()),
        };
        let by = Administration::new(system, actor);
        let times = crate::Times {
            now: jiff::Timestamp::UNIX_EPOCH,
            zone: jiff::tz::TimeZone::UTC,
        };
        on_any_thread(status(&by, &times));
        on_any_thread(domains::list(&by));
        on_any_thread(users::list(&by, None));
        on_any_thread(queue::list(&by, &Filter::default()));
        on_any_thread(queue::history(&by, &HistoryFilter::default()));
        on_any_thread(queue::retry(&by, Retry::All));
        on_any_thread(refusals::list(&by, &refusals::Filter::default()));
        on_any_thread(quarantine::list(&by, &quarantine::Filter::default()));
        on_any_thread(quarantine::show(&by, 1042, true));
        on_any_thread(QueriedPolicy::of_revision(&by, 0));
        on_any_thread(send::follow(&by, 1042, &[], None));
        let draft = send::Draft {
            sender: None,
            recipients: Vec::new(),
            subject: String::new(),
            body: String::new(),
            timing: send::Timing::default(),
        };
        on_any_thread(send::compose(&by, Component::Send, &draft));
        let queried = QueriedPolicy {
            name: "none".to_owned(),
            policy: rules::Policy::parse("").unwrap(),
            is_document: true,
        };
        let session = explain::Session::new([127, 0, 0, 1].into());
        on_any_thread(explain::explain(&by, &queried, &session, None));
    }
}
