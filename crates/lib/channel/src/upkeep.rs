//! Background work of a channel: new replicas, reconnections, and replacement of old connections.

use std::collections::HashMap;
use std::sync::Weak;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::connection::jittered;
use crate::{Backoff, Shared, Target};

/// Interval between look-ups of the replicas: DNS answers of a cluster are cached for 5 to 30 s.
const EVERY: Duration = Duration::from_secs(2);

/// Pauses before an unreachable replica is tried again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(10));

/// Maintains a channel's connections until the channel is dropped.
pub(crate) async fn keep(channel: Weak<Shared>, mut changes: watch::Receiver<u64>) {
    // It connects at its first use.
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

/// The times of the next attempts at unreachable replicas.
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
