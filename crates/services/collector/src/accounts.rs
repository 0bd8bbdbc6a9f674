//! One task per account of the current policy.

use std::collections::HashMap;
use std::sync::Arc;

use policy_watch::PolicyWatch;
use rules::CollectAccount;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::account::{self, FirstPoll};
use crate::services::Services;

/// An account with a running task.
struct PolledAccount {
    account: Arc<CollectAccount>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Follows the policy until `shutdown`, then waits for running polls to end.
pub(crate) async fn follow(
    services: Arc<Services>,
    mut policy: PolicyWatch,
    shutdown: CancellationToken,
) {
    let mut polled: HashMap<Arc<str>, PolledAccount> = HashMap::new();
    loop {
        if let Some(snapshot) = policy.current() {
            let accounts = snapshot.policy.collect_accounts();
            let changed = stop_changed(&mut polled, accounts).await;
            for account in accounts {
                let first = match changed.contains(&account.name) {
                    true => FirstPoll::AtOnce,
                    false => FirstPoll::WhenDue,
                };
                polled
                    .entry(Arc::clone(&account.name))
                    .or_insert_with(|| start(account, first, &services, &policy, &shutdown));
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            followed = policy.changed() => if !followed { break },
        }
    }
    for polled in polled.into_values() {
        polled.end().await;
    }
}

/// Ends the tasks of accounts that were removed or changed, and returns the names.
async fn stop_changed(
    polled: &mut HashMap<Arc<str>, PolledAccount>,
    accounts: &[Arc<CollectAccount>],
) -> Vec<Arc<str>> {
    let changed: Vec<Arc<str>> = polled
        .values()
        .filter(|polled| !accounts.contains(&polled.account))
        .map(|polled| Arc::clone(&polled.account.name))
        .collect();
    for name in &changed {
        if let Some(polled) = polled.remove(name) {
            polled.end().await;
        }
    }
    changed
}

fn start(
    account: &Arc<CollectAccount>,
    first: FirstPoll,
    services: &Arc<Services>,
    policy: &PolicyWatch,
    shutdown: &CancellationToken,
) -> PolledAccount {
    let stop = shutdown.child_token();
    tracing::info!(account = %account.name, server = %account.server, "collecting");
    PolledAccount {
        account: Arc::clone(account),
        task: tokio::spawn(account::follow(
            Arc::clone(account),
            first,
            Arc::clone(services),
            policy.clone(),
            stop.clone(),
        )),
        stop,
    }
}

impl PolledAccount {
    /// Ends the running poll after its current message.
    async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(account = %self.account.name, %error, "the account's task failed");
        }
    }
}
