//! Calls to the queue's services.

use std::collections::HashMap;
use std::time::Duration;

use api::collection::v1::collection_client::CollectionClient;
use api::collection::v1::{
    BeginPollRequest, BeginPollResponse, ClaimAccountRequest, ClaimAccountResponse,
    CollectedMessage, FindByHeaderRequest, FindCollectedRequest, ForgetCollectedRequest,
    NoteMessageRequest, NotedMessage, RenameCollectedRequest, ReportPollRequest,
};
use api::directory::v1::FindUsersRequest;
use api::directory::v1::directory_client::DirectoryClient;
use api::grpc::{Channel, Status};
use api::policy::v1::RevealSecretRequest;
use api::policy::v1::policy_client::PolicyClient;
use api::queue_client::Enqueuer;
use api::queue_clock::QueueClock;
use policy_watch::{FreeSpace, PolicyWatch};
use rules::EmailAddress;
use session_io::ClientTls;

use crate::config::Config;
use crate::poll::PollResult;

/// Maximum number of UIDLs in one request.
const BATCH: usize = 1_000;

/// Timeout of a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a claim lasts unless renewed, and so how long an account waits after its collector has died.
const CLAIM: Duration = Duration::from_secs(60);

/// How often a claim is renewed while the account is polled.
const RENEWAL: Duration = Duration::from_secs(20);

/// The services, and the state shared by all polls.
pub(crate) struct Services {
    pub(crate) queue: Channel,
    mailbox_store: Channel,
    pub(crate) enqueuer: Enqueuer,
    pub(crate) hostname: String,
    pub(crate) config: Config,
    pub(crate) tls: ClientTls,
    pub(crate) free_space: FreeSpace,
    /// Follows the queue's clock.
    pub(crate) clock: QueueClock,
    /// The claimant's name: the same after a restart, so that the process need not wait for its own claim to
    /// expire.
    collector: String,
}

impl Services {
    pub(crate) fn new(
        queue: Channel,
        mailbox_store: Channel,
        collector: String,
        hostname: String,
        config: Config,
        tls: ClientTls,
        free_space: FreeSpace,
    ) -> Self {
        Self {
            enqueuer: Enqueuer::new(queue.clone()),
            collector,
            queue,
            mailbox_store,
            hostname,
            config,
            tls,
            free_space,
            clock: QueueClock::system(),
        }
    }

    /// Why nothing is collected for now: the rules for strangers apply, and there is less free space than
    /// they require. Uncollected messages stay on their servers.
    pub(crate) fn no_room(&self, policy: &PolicyWatch) -> Option<&'static str> {
        let snapshot = policy.current()?;
        let short = self.free_space.is_short(&snapshot, false);
        short.then_some("too little free space where mail is stored (min-free-space)")
    }

    fn collection(&self) -> CollectionClient<Channel> {
        CollectionClient::new(self.queue.clone())
    }

    /// How long a poll starts further messages.
    pub(crate) fn poll_time(&self) -> Duration {
        Duration::from_secs(self.config.poll_seconds.into())
    }

    /// Claims the account for a poll.
    pub(crate) async fn claim(
        &self,
        account: &str,
        interval: Duration,
    ) -> Result<ClaimAccountResponse, Status> {
        let mut collection = self.collection();
        patiently(collection.claim_account(ClaimAccountRequest {
            account: account.to_owned(),
            collector: self.collector.clone(),
            claim_seconds: seconds(CLAIM),
            interval_seconds: seconds(interval),
        }))
        .await
    }

    /// Renews a claim for as long as this is polled. If the claim is lost all the same, two concurrent polls
    /// do no harm: the ledger knows what each commits.
    pub(crate) async fn keep_claim(&self, account: &str) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if let Err(error) = self.claim(account, Duration::ZERO).await {
                tracing::warn!(account, %error, "the claim was not renewed");
            }
        }
    }

    /// The stored state of the account's messages, by the queue's clock.
    pub(crate) async fn begin(&self, account: &str) -> Result<BeginPollResponse, Status> {
        let mut collection = self.collection();
        let account = account.to_owned();
        let began = patiently(collection.begin_poll(BeginPollRequest { account })).await?;
        self.clock.follow(began.now_ms);
        Ok(began)
    }

    /// Records the message that is about to be read.
    pub(crate) async fn note(&self, account: &str, name: &str, size: u64) -> Result<(), Status> {
        let mut collection = self.collection();
        patiently(collection.note_message(NoteMessageRequest {
            account: account.to_owned(),
            collector: self.collector.clone(),
            message: Some(NotedMessage {
                remote_id: name.to_owned(),
                size,
            }),
        }))
        .await
        .map(drop)
    }

    /// Reports the result of a poll.
    pub(crate) async fn report(&self, account: &str, polled: &PollResult) -> Result<(), Status> {
        let mut collection = self.collection();
        patiently(collection.report_poll(ReportPollRequest {
            account: account.to_owned(),
            collector: self.collector.clone(),
            error: polled.error(),
            collected: polled.collected,
            left: polled.left,
            failed: polled.failed(),
            uncollected: polled.uncollected.clone(),
        }))
        .await
        .map(drop)
    }

    /// Whether one of these is a user of this system.
    pub(crate) async fn has_user(&self, users: &[EmailAddress]) -> Result<bool, Status> {
        if users.is_empty() {
            return Ok(false);
        }
        let mut directory = DirectoryClient::new(self.mailbox_store.clone());
        patiently(directory.find_users(FindUsersRequest {
            addresses: users.iter().map(ToString::to_string).collect(),
        }))
        .await
        .map(|response| response.found.contains(&true))
    }

    /// Ledger entries with this header section.
    pub(crate) async fn find_by_header(
        &self,
        account: &str,
        header_hash: &[u8],
    ) -> Result<Vec<CollectedMessage>, Status> {
        let mut collection = self.collection();
        patiently(collection.find_by_header(FindByHeaderRequest {
            account: account.to_owned(),
            header_hash: header_hash.to_vec().into(),
        }))
        .await
        .map(|response| response.messages)
    }

    /// Moves a ledger entry to another UIDL.
    pub(crate) async fn rename(
        &self,
        account: &str,
        entry: &CollectedMessage,
        name: &str,
    ) -> Result<(), Status> {
        let mut collection = self.collection();
        patiently(collection.rename_collected(RenameCollectedRequest {
            account: account.to_owned(),
            remote_id: entry.remote_id.clone(),
            content_hash: entry.content_hash.clone(),
            new_remote_id: name.to_owned(),
        }))
        .await
        .map(drop)
    }

    /// The ledger entries of these UIDLs.
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
                remote_ids: batch.to_vec(),
            }))
            .await?;
            for message in response.messages {
                found
                    .entry(message.remote_id.clone())
                    .or_default()
                    .push(message);
            }
        }
        Ok(found)
    }

    /// Removes ledger entries of messages that are gone from the server.
    pub(crate) async fn forget(&self, account: &str, uidls: &[String]) -> Result<(), Status> {
        for batch in uidls.chunks(BATCH) {
            let mut collection = self.collection();
            patiently(collection.forget_collected(ForgetCollectedRequest {
                account: account.to_owned(),
                remote_ids: batch.to_vec(),
            }))
            .await?;
        }
        Ok(())
    }

    /// A password named by the policy.
    pub(crate) async fn secret(&self, name: &str) -> Result<Vec<u8>, Status> {
        let mut policy = PolicyClient::new(self.queue.clone());
        let name = name.to_owned();
        patiently(policy.reveal_secret(RevealSecretRequest { name }))
            .await
            .map(|response| response.value.into())
    }
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

async fn patiently<T>(
    call: impl Future<Output = Result<api::grpc::Response<T>, Status>>,
) -> Result<T, Status> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(response) => response.map(api::grpc::Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded("no answer")),
    }
}
