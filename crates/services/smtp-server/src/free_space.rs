//! What the volume has free that mail is stored on: asked of the queue while the policy has a rule
//! about it, every few seconds, so that MAIL is answered from memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::grpc::{Channel, Code, Status};
use api::policy_watch::PolicyWatch;
use api::queue::v1::GetFreeSpaceRequest;
use api::queue::v1::storage_client::StorageClient;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(5);
/// Longest silence of a queue that is asked.
const PATIENCE: Duration = Duration::from_secs(5);
/// Not known: the rule is not applied.
const UNKNOWN: u64 = u64::MAX;

/// See the module. Clones see the same.
#[derive(Clone)]
pub(crate) struct FreeSpace(Arc<AtomicU64>);

impl FreeSpace {
    /// Asks over `channel`, which leads to the queue, until `shutdown`.
    pub(crate) fn start(
        channel: Channel,
        policy: PolicyWatch,
        shutdown: CancellationToken,
    ) -> Self {
        let space = Self(Arc::new(AtomicU64::new(UNKNOWN)));
        let known = space.clone();
        tokio::spawn(shutdown.run_until_cancelled_owned(async move {
            known.follow(channel, policy).await;
        }));
        space
    }

    /// Free octets, where they are known.
    pub(crate) fn current(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|free| *free != UNKNOWN)
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
                        tracing::warn!(
                            "`min-free-space` is not applied: the queue does not know the volume; \
                             set `data-path` in its section [queue]"
                        );
                    }
                }
                // What was known last holds. Without the queue no mail is taken anyway (I8).
                Err(status) => tracing::debug!(%status, "free space not learnt"),
            }
            let pause = tokio::time::timeout(EVERY, policy.changed());
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
