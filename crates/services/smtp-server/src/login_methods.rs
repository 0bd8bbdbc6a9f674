//! By what users can log in beyond passwords: the directory's configuration says, and may be
//! another when it has been started again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::directory::v1::GetLoginMethodsRequest;
use api::directory::v1::directory_client::DirectoryClient;
use api::grpc::Channel;
use tokio_util::sync::CancellationToken;

/// How often it is asked.
const INTERVAL: Duration = Duration::from_secs(30);
/// Until it has answered.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest silence of a directory that is asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// A handle; clones share what is known. Until the directory has answered nothing is offered.
#[derive(Clone, Default)]
pub(crate) struct LoginMethods(Arc<Known>);

#[derive(Default)]
struct Known {
    tokens: AtomicBool,
}

impl LoginMethods {
    /// Asks over `channel`, again and again until `shutdown`.
    pub(crate) fn start(channel: Channel, shutdown: CancellationToken) -> Self {
        let methods = Self::default();
        let kept = methods.clone();
        let asking = async move { kept.follow(DirectoryClient::new(channel)).await };
        tokio::spawn(shutdown.run_until_cancelled_owned(asking));
        methods
    }

    pub(crate) fn tokens(&self) -> bool {
        self.0.tokens.load(Ordering::Relaxed)
    }

    async fn follow(&self, mut directory: DirectoryClient<Channel>) {
        let mut pause = PAUSE;
        loop {
            let asked = directory.get_login_methods(GetLoginMethodsRequest {});
            // One that is away for a while says the same as before when it is back, most likely.
            if let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, asked).await {
                let answer = answer.into_inner();
                self.0.tokens.store(answer.tokens, Ordering::Relaxed);
                pause = INTERVAL;
            }
            tokio::time::sleep(pause).await;
        }
    }
}
