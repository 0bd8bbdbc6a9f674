//! Beside the calls: new replicas, those that come back, and connections that have reached their age.

use std::collections::HashMap;
use std::sync::Weak;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::connection::jittered;
use crate::{Backoff, Shared, Target};

/// How often is looked which replicas there are: DNS answers of a cluster are kept for 5 to 30 s.
const EVERY: Duration = Duration::from_secs(2);

/// Before a replica that was not reached is tried again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(10));

/// Keeps a channel's connections until the channel is no more.
pub(crate) async fn keep(channel: Weak<Shared>, mut changes: watch::Receiver<u64>) {
    // It connects when it is first used.
    if changes.changed().await.is_err() {
        return;
    }
    let mut pauses = Pauses::default();
    loop {
        sleep(jittered(EVERY)).await;
        let Some(channel) = channel.upgrade() else {
            return;
        };
        channel.connect_all(&mut pauses).await;
    }
}

/// When replicas that were not reached are tried again.
#[derive(Default)]
pub(crate) struct Pauses {
    pauses: HashMap<Target, (Backoff, Instant)>,
}

impl Pauses {
    pub(crate) fn is_over(&self, target: &str, now: Instant) -> bool {
        self.pauses
            .get(target)
            .is_none_or(|(_, until)| *until <= now)
    }

    pub(crate) fn lengthen(&mut self, target: Target, now: Instant) {
        let (backoff, until) = self.pauses.entry(target).or_insert((PAUSES, now));
        *until = now + backoff.pause();
    }

    pub(crate) fn forget(&mut self, target: &str) {
        self.pauses.remove(target);
    }

    pub(crate) fn keep_only(&mut self, targets: &[Target]) {
        self.pauses.retain(|target, _| targets.contains(target));
    }
}
