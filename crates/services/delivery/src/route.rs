//! Where each leased recipient goes, by the policy in force.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::policy_watch::PolicyWatch;
use api::queue::v1::{LeasedMessage, LeasedRecipient};

use crate::collected;
use crate::destination::{self, Destination};
use crate::finish::Finisher;
use crate::lease::{Held, LeaseSession};
use crate::local::{Local, LocalDelivery};
use crate::remote::{Job, Remote, Target};
use crate::work::{Failure, Fate, Work};

/// When too many recipients wait for other servers.
const PUT_OFF: Duration = Duration::from_secs(60);

/// Routes leased messages and hands them on.
pub(crate) struct Router {
    pub(crate) policy: PolicyWatch,
    pub(crate) local: Local,
    pub(crate) remote: Arc<Remote>,
    pub(crate) held: Arc<Held>,
    pub(crate) finisher: Arc<Finisher>,
}

impl Router {
    /// What waits for other servers is not begun any more.
    pub(crate) fn stop(&self) {
        self.remote.stop();
    }

    /// Routes all recipients of these messages. Without a policy nothing is leased (see
    /// `lib.rs`), and once there is one it stays.
    pub(crate) fn route(&self, messages: Vec<LeasedMessage>, session: &Arc<LeaseSession>) {
        let Some(policy) = self.policy.current() else {
            return;
        };
        let mut local = Vec::with_capacity(messages.len());
        for mut message in messages {
            let recipients = std::mem::take(&mut message.recipients);
            let mut work = Work {
                message,
                policy: Arc::clone(&policy),
                session: Arc::clone(session),
                also: HashMap::new(),
            };
            let routed = recipients
                .into_iter()
                .map(|recipient| (route(&mut work, &recipient), recipient))
                .collect();
            self.begin(&Arc::new(work), routed, &mut local);
        }
        self.local.deliver(local);
    }

    /// Begins with recipients whose destinations are known.
    fn begin(
        &self,
        work: &Arc<Work>,
        routed: Vec<(Destination, LeasedRecipient)>,
        local: &mut Vec<LocalDelivery>,
    ) {
        let too_late = work.too_late(self.finisher.clock.now_ms());
        let mut ended = Vec::new();
        let mut remote: HashMap<Target, Vec<LeasedRecipient>> = HashMap::new();
        for (destination, recipient) in routed {
            // One that was handed out before may be in its mailbox already: the store knows, and its
            // sender is not told the contrary.
            let begun = matches!(destination, Destination::Local(..)) && recipient.epoch > 1;
            if let Some(failure) = too_late.as_ref().filter(|_| !begun) {
                ended.push((recipient, Fate::Failed(failure.clone())));
                continue;
            }
            match destination {
                Destination::Local(user, otherwise) => local.push(LocalDelivery {
                    work: Arc::clone(work),
                    recipient,
                    user,
                    otherwise,
                    failing_since: None,
                    sent: false,
                    alone: false,
                }),
                Destination::Remote(target) => remote.entry(target).or_default().push(recipient),
                Destination::End(fate) => ended.push((recipient, fate)),
            }
        }
        for (target, recipients) in remote {
            self.hand_on(work, &target, recipients);
        }
        if !ended.is_empty() {
            self.finisher.finish(work, ended);
        }
    }

    /// Hands recipients on to other servers, or puts them off while too many wait already.
    fn hand_on(&self, work: &Arc<Work>, target: &Target, recipients: Vec<LeasedRecipient>) {
        if self.held.begin_remote(&recipients) {
            self.remote.deliver(target, Job::new(work, recipients));
            return;
        }
        let failure = Failure::temporary("4.4.5", "too much mail for other servers waits");
        let fate = Fate::Failed(failure.retry_in(PUT_OFF));
        let put_off = recipients.into_iter().map(|one| (one, fate.clone()));
        self.finisher.finish(work, put_off.collect());
    }
}

/// Where a recipient goes. What its message makes of itself beside that is noted in `work`.
fn route(work: &mut Work, recipient: &LeasedRecipient) -> Destination {
    let (destination, also) = destination::by_policy(work, recipient);
    if !also.is_empty() {
        work.also.insert(recipient.recipient_id, also);
    }
    if work.message.collected {
        collected::kept_here(work, destination)
    } else {
        destination
    }
}
