//! The mechanisms that the directory knows, followed as they change.

use std::time::Duration;

use sasl::Mechanisms;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::directory::v1::WatchMechanismsRequest;
use crate::directory::v1::directory_client::DirectoryClient;
use crate::grpc::{Channel, Status};

/// Between two tries to reach the directory.
const PAUSE: Duration = Duration::from_millis(500);

/// A handle; clones share what is known. Until the directory has answered these are the mechanisms
/// that need no configuration; while it is away those that it told last.
#[derive(Clone, Debug)]
pub struct LoginMechanisms(watch::Receiver<Mechanisms>);

impl LoginMechanisms {
    /// Follows the directory behind `channel` until `shutdown`.
    pub fn start(channel: Channel, shutdown: CancellationToken) -> Self {
        let (known, current) = watch::channel(Mechanisms::ALL.without_tokens());
        let follow = async move {
            loop {
                // Its end is the normal case: the directory restarts.
                if let Err(status) = follow(&known, channel.clone()).await {
                    tracing::debug!(%status, "the directory does not tell its mechanisms");
                }
                sleep(PAUSE).await;
            }
        };
        tokio::spawn(shutdown.run_until_cancelled_owned(follow));
        Self(current)
    }

    /// All that are known now, whatever the connection.
    pub fn current(&self) -> Mechanisms {
        *self.0.borrow()
    }
}

async fn follow(known: &watch::Sender<Mechanisms>, channel: Channel) -> Result<(), Status> {
    let mut directory = DirectoryClient::new(channel);
    let answer = directory
        .watch_mechanisms(WatchMechanismsRequest {})
        .await?;
    let mut changes = answer.into_inner();
    while let Some(mechanisms) = changes.message().await? {
        let names = mechanisms.names.iter().map(String::as_str);
        known.send_replace(Mechanisms::of_names(names));
    }
    Ok(())
}
