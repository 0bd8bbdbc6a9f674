//! For unit tests: the parts of a worker, without any peers.

#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::collections::HashMap;
use std::sync::Arc;

use api::grpc::Channel;
use api::queue::v1::{LeasedMessage, LeasedRecipient};
use api::queue_clock::QueueClock;
use policy_watch::PolicySnapshot;
use rules::Policy;
use tokio::sync::watch;

use crate::complete::Completer;
use crate::finish::Finisher;
use crate::leases::{Lease, LeaseSession, Leases};
use crate::notice::Notices;
use crate::work::Work;

/// A channel that leads to no server.
pub(crate) fn nowhere() -> Channel {
    Channel::to_nowhere()
}

pub(crate) fn finisher(clock: QueueClock) -> Arc<Finisher> {
    Arc::new(Finisher {
        clock,
        completer: Completer::start(nowhere()),
        notices: Arc::new(Notices {
            queue: nowhere(),
            hostname: "mail.example.test".to_owned(),
        }),
    })
}

/// A clock that panics at its first use, and a counter of its uses.
pub(crate) fn panicking_clock() -> (QueueClock, watch::Receiver<usize>) {
    let (asked, times) = watch::channel(0);
    let clock = QueueClock::of(move || {
        asked.send_modify(|times| *times += 1);
        assert!(*asked.borrow() > 1, "the clock panics on purpose");
        0
    });
    (clock, times)
}

/// A message whose sender wants no notices.
pub(crate) fn work() -> Arc<Work> {
    Arc::new(Work {
        message: LeasedMessage::default(),
        policy: Arc::new(PolicySnapshot {
            revision: 7,
            policy: Policy::parse("").unwrap(),
        }),
        session: LeaseSession::live(),
        also: HashMap::new(),
    })
}

/// The lease of a recipient.
pub(crate) fn lease(leases: &Arc<Leases>, recipient_id: i64, epoch: u32) -> Lease {
    let recipient = LeasedRecipient {
        recipient_id,
        epoch,
        address: "bob@example.test".to_owned(),
        ..LeasedRecipient::default()
    };
    leases.take(vec![recipient]).remove(0)
}
