//! The destination of each leased recipient, by the current policy.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::queue::v1::LeasedMessage;
use policy_watch::PolicyWatch;

use crate::collected;
use crate::destination::{self, Destination};
use crate::fate::{Failure, Fate};
use crate::finish::Finisher;
use crate::leases::{Lease, LeaseSession, Leases};
use crate::local::{Local, LocalDelivery};
use crate::remote::{Job, Remote, Target};
use crate::work::Work;

/// Pause when too many recipients wait for other servers.
const PUT_OFF: Duration = Duration::from_secs(60);

/// Routes leased messages and passes them on.
pub(crate) struct Router {
    pub(crate) policy: PolicyWatch,
    pub(crate) local: Local,
    pub(crate) remote: Arc<Remote>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) finisher: Arc<Finisher>,
}

impl Router {
    /// Jobs that wait for other servers are not started any more.
    pub(crate) fn stop(&self) {
        self.remote.stop();
    }

    /// Routes all recipients of these messages. Without a policy nothing is leased (see `lib.rs`), and a
    /// policy that was read once stays.
    pub(crate) fn route(
        &self,
        messages: Vec<(LeasedMessage, Vec<Lease>)>,
        session: &Arc<LeaseSession>,
    ) {
        let Some(policy) = self.policy.current() else {
            return;
        };
        let mut local = Vec::with_capacity(messages.len());
        for (message, leases) in messages {
            let mut work = Work {
                message,
                policy: Arc::clone(&policy),
                session: Arc::clone(session),
                also: HashMap::new(),
            };
            let routed = leases
                .into_iter()
                .map(|lease| (route(&mut work, &lease), lease))
                .collect();
            self.begin(&Arc::new(work), routed, &mut local);
        }
        self.local.deliver(local);
    }

    /// Starts recipients whose destinations are known.
    fn begin(
        &self,
        work: &Arc<Work>,
        routed: Vec<(Destination, Lease)>,
        local: &mut Vec<LocalDelivery>,
    ) {
        let too_late = work.too_late(self.finisher.clock.now_ms());
        let mut ended = Vec::new();
        let mut remote: HashMap<Target, Vec<Lease>> = HashMap::new();
        for (destination, lease) in routed {
            // A recipient handed out before may be in its mailbox already. The store knows, so no failure is
            // reported without asking it.
            let begun =
                lease.recipient().epoch > 1 && matches!(destination, Destination::Local(..));
            if let Some(failure) = too_late.as_ref().filter(|_| !begun) {
                ended.push((lease, Fate::Failed(failure.clone())));
                continue;
            }
            match destination {
                Destination::Local(user, otherwise) => {
                    local.push(LocalDelivery::new(work, lease, user, otherwise));
                }
                Destination::Remote(target) => remote.entry(target).or_default().push(lease),
                Destination::End(fate) => ended.push((lease, fate)),
            }
        }
        for (target, leases) in remote {
            self.hand_on(work, &target, leases);
        }
        if !ended.is_empty() {
            self.finisher.finish(work, ended);
        }
    }

    /// Passes recipients to another server, or defers them while too many wait already.
    fn hand_on(&self, work: &Arc<Work>, target: &Target, leases: Vec<Lease>) {
        if self.leases.begin_remote(&leases) {
            self.remote.deliver(target, Job::new(work, leases));
            return;
        }
        let failure = Failure::temporary("4.4.5", "too many recipients wait for other servers");
        let fate = Fate::Failed(failure.retry_in(PUT_OFF));
        let put_off = leases.into_iter().map(|one| (one, fate.clone()));
        self.finisher.finish(work, put_off.collect());
    }
}

/// The destination of a recipient. Messages to derive are stored in `work`.
fn route(work: &mut Work, lease: &Lease) -> Destination {
    let (destination, also) = destination::by_policy(work, lease.recipient());
    let (destination, also) = match work.message.collected {
        true => collected::kept_here(work, destination, also),
        false => (destination, also),
    };
    if !also.is_empty() {
        work.also.insert(lease.id(), also);
    }
    destination
}
