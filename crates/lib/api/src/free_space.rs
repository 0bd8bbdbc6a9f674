//! What the volume has free that mail is stored on (`min-free-space`): asked of the queue while the
//! policy has a rule about it, every few seconds, so that nobody asks for each message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use channel::Channel;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::policy_watch::{PolicySnapshot, PolicyWatch};
use crate::queue::v1::GetFreeSpaceRequest;
use crate::queue::v1::storage_client::StorageClient;

/// How often the queue is asked while there is much room.
const EVERY: Duration = Duration::from_secs(5);
/// The same while there is less than [`MUCH`]: what comes between two questions must fit into the rest.
const OFTEN: Duration = Duration::from_millis(500);
/// More than comes in [`EVERY`].
const MUCH: u64 = 8 << 30;
/// Longest silence of a queue that is asked.
const PATIENCE: Duration = Duration::from_secs(5);
/// Not known: the rule is not applied.
const UNKNOWN: u64 = u64::MAX;

/// See the module. Clones see the same.
#[derive(Clone, Debug)]
pub struct FreeSpace(Arc<AtomicU64>);

impl FreeSpace {
    /// Asks over `channel`, which leads to the queue, until `shutdown`.
    #[must_use]
    pub fn start(channel: Channel, policy: PolicyWatch, shutdown: CancellationToken) -> Self {
        let space = Self(Arc::new(AtomicU64::new(UNKNOWN)));
        let known = space.clone();
        tokio::spawn(shutdown.run_until_cancelled_owned(async move {
            known.follow(channel, policy).await;
        }));
        space
    }

    /// What does not change: for tests.
    #[must_use]
    pub fn fixed(free: Option<u64>) -> Self {
        Self(Arc::new(AtomicU64::new(free.unwrap_or(UNKNOWN))))
    }

    /// Free octets, where they are known.
    #[must_use]
    pub fn current(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|free| *free != UNKNOWN)
    }

    /// Whether there is less than the policy wants for mail of that class.
    #[must_use]
    pub fn is_short(&self, snapshot: &PolicySnapshot, trusted: bool) -> bool {
        let least = snapshot.policy.receiving(trusted).min_free_space;
        matches!((least, self.current()), (Some(least), Some(free)) if free < least)
    }

    async fn follow(&self, channel: Channel, mut policy: PolicyWatch) {
        let mut warned = false;
        loop {
            let wanted = policy.current().is_some_and(|snapshot| {
                [true, false]
                    .iter()
                    .any(|class| snapshot.policy.receiving(*class).min_free_space.is_some())
            });
            let free = if wanted {
                ask(&channel).await
            } else {
                Ok(None)
            };
            match free {
                Ok(free) => {
                    self.0.store(free.unwrap_or(UNKNOWN), Ordering::Relaxed);
                    if wanted && free.is_none() && !std::mem::replace(&mut warned, true) {
                        tracing::info!(
                            "`min-free-space` is not applied: the queue does not know the volume; \
                             see `data-path` in the section [database]"
                        );
                    }
                }
                // What was known last holds. Without the queue no mail is taken anyway (I8).
                Err(status) => tracing::debug!(%status, "free space not learnt"),
            }
            let scarce = self.current().is_some_and(|free| free < MUCH);
            let pause = if scarce { OFTEN } else { EVERY };
            let pause = tokio::time::timeout(pause, policy.changed());
            if pause.await == Ok(false) {
                return;
            }
        }
    }
}

async fn ask(channel: &Channel) -> Result<Option<u64>, Status> {
    let mut storage = StorageClient::new(channel.clone());
    let asked = tokio::time::timeout(PATIENCE, storage.get_free_space(GetFreeSpaceRequest {}));
    match asked.await {
        Ok(Ok(answer)) => Ok(answer.into_inner().free_octets),
        // A queue of an older version.
        Ok(Err(status)) if status.code() == Code::Unimplemented => Ok(None),
        Ok(Err(status)) => Err(status),
        Err(_) => Err(Status::deadline_exceeded("the queue does not answer")),
    }
}
