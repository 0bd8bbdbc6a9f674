//! Free space of the mail volume (`min-free-space`): polled from the queue every few seconds while the
//! policy has such a rule, so that no message needs a call of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::grpc::{Channel, Code, Status};
use api::queue::v1::GetFreeSpaceRequest;
use api::queue::v1::storage_client::StorageClient;
use tokio_util::sync::CancellationToken;

use crate::{PolicySnapshot, PolicyWatch};

/// Polling interval while there is much space.
const EVERY: Duration = Duration::from_secs(5);
/// Polling interval below [`MUCH`]: mail that arrives between two polls must fit into the rest.
const OFTEN: Duration = Duration::from_millis(500);
/// More than the mail that arrives within [`EVERY`].
const MUCH: u64 = 8 << 30;
/// Time limit for the queue's answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Unknown: the rule is not applied.
const UNKNOWN: u64 = u64::MAX;

/// The free space. Clones share the value.
#[derive(Clone, Debug)]
pub struct FreeSpace(Arc<AtomicU64>);

impl FreeSpace {
    /// Polls the queue over `channel` until `shutdown`.
    #[must_use]
    pub fn start(channel: Channel, policy: PolicyWatch, shutdown: CancellationToken) -> Self {
        let space = Self(Arc::new(AtomicU64::new(UNKNOWN)));
        let known = space.clone();
        tokio::spawn(shutdown.run_until_cancelled_owned(async move {
            known.follow(channel, policy).await;
        }));
        space
    }

    /// A constant value, for tests.
    #[must_use]
    pub fn fixed(free: Option<u64>) -> Self {
        Self(Arc::new(AtomicU64::new(free.unwrap_or(UNKNOWN))))
    }

    /// Free octets, if known.
    #[must_use]
    pub fn current(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|free| *free != UNKNOWN)
    }

    /// Whether there is less than the policy requires for mail of this class.
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
                // The last value stays valid. Without the queue no mail is accepted anyway (I8).
                Err(status) => tracing::debug!(%status, "the free space is not known"),
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
    let asked = tokio::time::timeout(CALL_TIMEOUT, storage.get_free_space(GetFreeSpaceRequest {}));
    match asked.await {
        Ok(Ok(answer)) => Ok(answer.into_inner().free_octets),
        // A queue of an older version.
        Ok(Err(status)) if status.code() == Code::Unimplemented => Ok(None),
        Ok(Err(status)) => Err(status),
        Err(_) => Err(Status::deadline_exceeded("the queue does not answer")),
    }
}
