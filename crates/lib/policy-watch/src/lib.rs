//! The policy in force, as a process sees it: compiled, immutable, updated on changes. And the free space of the
//! volume that mail is stored on, which some of its rules are about.

mod free_space;

use std::sync::Arc;
use std::time::Duration;

use api::grpc::Channel;
use api::policy::v1::{Revision, WatchPolicyRequest, policy_client::PolicyClient};
use api::stream::{Backoff, Watch, WatchEvent};
use rules::Policy;
use tokio::sync::watch;

pub use free_space::FreeSpace;

/// Pauses before the stream is opened again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
/// Larger than any policy.
const MESSAGE_LIMIT: usize = 64 * 1024 * 1024;

/// A revision of the policy, compiled.
pub struct PolicySnapshot {
    /// Its number, for the history of its decisions.
    pub revision: u64,
    /// The compiled document.
    pub policy: Policy,
}

/// Follows the policy. Clones see the same snapshot.
#[derive(Clone)]
pub struct PolicyWatch {
    snapshots: watch::Receiver<Option<Arc<PolicySnapshot>>>,
}

impl PolicyWatch {
    /// Starts to follow the policy over `channel` to the queue. The task ends when the last clone is
    /// dropped.
    #[must_use]
    pub fn start(channel: Channel) -> Self {
        let (sender, snapshots) = watch::channel(None);
        tokio::spawn(follow(channel, sender));
        Self { snapshots }
    }

    /// A constant policy, for tests.
    #[must_use]
    pub fn fixed(revision: u64, policy: Policy) -> Self {
        let snapshot = Some(Arc::new(PolicySnapshot { revision, policy }));
        Self {
            snapshots: watch::channel(snapshot).1,
        }
    }

    /// The newest snapshot; `None` before the first arrives: then nothing may be accepted (I8). It stays in
    /// force while the queue cannot be reached.
    #[must_use]
    pub fn current(&self) -> Option<Arc<PolicySnapshot>> {
        self.snapshots.borrow().clone()
    }

    /// Waits for the first snapshot.
    pub async fn first(&mut self) -> Option<Arc<PolicySnapshot>> {
        match self.snapshots.wait_for(Option::is_some).await {
            Ok(snapshot) => snapshot.clone(),
            Err(_) => None,
        }
    }

    /// Waits until the snapshot changes; false if the policy is no longer followed.
    pub async fn changed(&mut self) -> bool {
        self.snapshots.changed().await.is_ok()
    }
}

async fn follow(channel: Channel, sender: watch::Sender<Option<Arc<PolicySnapshot>>>) {
    let mut revisions = Watch::new(PAUSES, move || {
        let client = PolicyClient::new(channel.clone());
        let mut client = client.max_decoding_message_size(MESSAGE_LIMIT);
        async move { client.watch_policy(WatchPolicyRequest {}).await }
    });
    loop {
        tokio::select! {
            () = sender.closed() => return,
            event = revisions.next() => if let WatchEvent::Received(revision) = event {
                take(&sender, revision);
            },
        }
    }
}

fn take(sender: &watch::Sender<Option<Arc<PolicySnapshot>>>, revision: Revision) {
    match Policy::parse(&revision.document) {
        Ok(policy) => {
            tracing::info!(revision = revision.revision, "policy in force");
            let snapshot = PolicySnapshot {
                revision: revision.revision,
                policy,
            };
            sender.send_replace(Some(Arc::new(snapshot)));
        }
        // The queue has validated it, so this process has another version. The previous snapshot stays in
        // force.
        Err(error) => tracing::error!(
            revision = revision.revision,
            %error,
            "the new policy cannot be read (another version?); the previous one stays in force"
        ),
    }
}
