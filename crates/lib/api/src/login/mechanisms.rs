//! The mechanisms of the directory, updated as they change.

use std::time::Duration;

use sasl::Mechanisms;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::directory::v1::WatchMechanismsRequest;
use crate::directory::v1::directory_client::DirectoryClient;
use crate::grpc::Channel;
use crate::stream::{Backoff, Watch, WatchEvent};

/// Pauses before the stream is opened again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));

/// A handle; clones share the state. Until the directory answers: the mechanisms that need no
/// configuration; while it is unavailable: the last known ones.
#[derive(Clone, Debug)]
pub struct LoginMechanisms(watch::Receiver<Mechanisms>);

impl LoginMechanisms {
    /// Follows the directory over `channel` until `shutdown`.
    pub fn start(channel: Channel, shutdown: CancellationToken) -> Self {
        let (known, current) = watch::channel(Mechanisms::ALL.without_tokens());
        tokio::spawn(shutdown.run_until_cancelled_owned(follow(known, channel)));
        Self(current)
    }

    /// All mechanisms known now, for any connection.
    pub fn current(&self) -> Mechanisms {
        *self.0.borrow()
    }
}

async fn follow(known: watch::Sender<Mechanisms>, channel: Channel) {
    let mut changes = Watch::new(PAUSES, move || {
        let mut directory = DirectoryClient::new(channel.clone());
        async move { directory.watch_mechanisms(WatchMechanismsRequest {}).await }
    });
    loop {
        match changes.next().await {
            WatchEvent::Opened => {}
            WatchEvent::Received(mechanisms) => {
                let names = mechanisms.names.iter().map(String::as_str);
                known.send_replace(Mechanisms::of_names(names));
            }
            // The normal case: the directory restarts.
            WatchEvent::Ended(status) => {
                tracing::debug!(%status, "the login mechanisms are not known");
            }
        }
    }
}
