//! What the collector asks of the queue's services.

use std::collections::HashMap;
use std::time::Duration;

use api::collection::v1::collection_client::CollectionClient;
use api::collection::v1::{
    ClaimAccountRequest, ClaimAccountResponse, CollectedMessage, FindCollectedRequest,
    ForgetCollectedRequest, ReportPollRequest,
};
use api::grpc::{Channel, Status};
use api::policy::v1::RevealSecretRequest;
use api::policy::v1::policy_client::PolicyClient;
use api::queue_client::Enqueuer;
use session_io::ClientTls;

use crate::config::Config;

/// UIDLs in one request.
const BATCH: usize = 1_000;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A claim outlasts the poll it is for by this: for the message under way when its time is up.
const CLAIM_SLACK_SECONDS: u32 = 300;

/// The services, and what all polls have in common.
pub(crate) struct Services {
    pub(crate) queue: Channel,
    pub(crate) enqueuer: Enqueuer,
    pub(crate) hostname: String,
    pub(crate) config: Config,
    pub(crate) tls: ClientTls,
    /// Unique among running collectors.
    collector: String,
}

impl Services {
    pub(crate) fn new(queue: Channel, hostname: String, config: Config, tls: ClientTls) -> Self {
        Self {
            enqueuer: Enqueuer::new(queue.clone()),
            collector: format!(
                "{hostname}/{}/{:08x}",
                std::process::id(),
                rand::random::<u32>()
            ),
            queue,
            hostname,
            config,
            tls,
        }
    }

    fn collection(&self) -> CollectionClient<Channel> {
        CollectionClient::new(self.queue.clone())
    }

    /// Asks for the right to poll.
    pub(crate) async fn claim(
        &self,
        account: &str,
        interval: Duration,
    ) -> Result<ClaimAccountResponse, Status> {
        let mut collection = self.collection();
        let seconds = self.config.poll_seconds.saturating_add(CLAIM_SLACK_SECONDS);
        patiently(collection.claim_account(ClaimAccountRequest {
            account: account.to_owned(),
            collector: self.collector.clone(),
            claim_seconds: seconds,
            interval_seconds: u32::try_from(interval.as_secs()).unwrap_or(u32::MAX),
        }))
        .await
    }

    /// Tells how the poll went.
    pub(crate) async fn report(
        &self,
        account: &str,
        collected: u32,
        left: u32,
        error: String,
    ) -> Result<(), Status> {
        let mut collection = self.collection();
        patiently(collection.report_poll(ReportPollRequest {
            account: account.to_owned(),
            collector: self.collector.clone(),
            error,
            collected,
            left,
        }))
        .await
        .map(drop)
    }

    /// What the ledger knows of these UIDLs.
    pub(crate) async fn find(
        &self,
        account: &str,
        uidls: impl Iterator<Item = &str>,
    ) -> Result<HashMap<String, Vec<CollectedMessage>>, Status> {
        let mut found: HashMap<String, Vec<CollectedMessage>> = HashMap::new();
        let uidls: Vec<String> = uidls.map(str::to_owned).collect();
        for batch in uidls.chunks(BATCH) {
            let mut collection = self.collection();
            let response = patiently(collection.find_collected(FindCollectedRequest {
                account: account.to_owned(),
                uidls: batch.to_vec(),
            }))
            .await?;
            for message in response.messages {
                found.entry(message.uidl.clone()).or_default().push(message);
            }
        }
        Ok(found)
    }

    /// Lets the ledger forget what is gone from the server.
    pub(crate) async fn forget(&self, account: &str, uidls: &[String]) -> Result<(), Status> {
        for batch in uidls.chunks(BATCH) {
            let mut collection = self.collection();
            patiently(collection.forget_collected(ForgetCollectedRequest {
                account: account.to_owned(),
                uidls: batch.to_vec(),
            }))
            .await?;
        }
        Ok(())
    }

    /// A password of the policy's.
    pub(crate) async fn secret(&self, name: &str) -> Result<Vec<u8>, Status> {
        let mut policy = PolicyClient::new(self.queue.clone());
        let name = name.to_owned();
        patiently(policy.reveal_secret(RevealSecretRequest { name }))
            .await
            .map(|response| response.value.into())
    }
}

async fn patiently<T>(
    call: impl Future<Output = Result<api::grpc::Response<T>, Status>>,
) -> Result<T, Status> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(response) => response.map(api::grpc::Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded("no answer")),
    }
}
