//! Test harness: a queue and its clients.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use api::actor::v1::Actor;
use api::collection::v1::collection_client::CollectionClient;
use api::grpc::{Channel, Code, Status, Streaming};
use api::message::v1::{Content, Summary, content};
use api::policy::v1::policy_client::PolicyClient;
use api::queue::v1::queue_client::QueueClient;
use api::queue::v1::{
    Accepted, CompleteRequest, CompleteResponse, Completed, Completion, Drain, EnqueueRequest,
    EnqueueResponse, GetStatisticsRequest, GetStatisticsResponse, GiveBack, LeaseKey, LeaseRequest,
    LeaseResponse, LeasedRecipient, Outcome, Recipient, Renewal, ShowMessageRequest,
    ShowMessageResponse, Submission, Worker, complete_response, enqueue_response, lease_request,
};
use bytes::Bytes;
use queue::{Clock, Config};
use service_kit::Service;
use tempfile::TempDir;
use test_kit::Postgres;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::task::AbortOnDropHandle;

/// Timeout of everything that should happen: longer than anything takes.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Interval between two looks at a changing value.
const POLL: Duration = Duration::from_millis(5);

/// The first time of a test: 2026-01-01T12:00:00Z.
const START: i64 = 1_767_268_800_000;

pub(crate) const LEASE_SECONDS: u32 = 20;

/// A running queue whose clock stands still unless advanced.
pub(crate) struct Queue {
    pub(crate) url: String,
    peer: Peer,
    pub(crate) folder: Arc<TempDir>,
    clock: Arc<AtomicI64>,
    service: Service,
    task: AbortOnDropHandle<anyhow::Result<()>>,
}

impl Queue {
    /// Starts on a new database.
    pub(crate) async fn start() -> Self {
        Self::start_on(Postgres::start().database().await).await
    }

    /// Starts on the given database.
    pub(crate) async fn start_on(url: String) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::start_in(url, folder, Arc::new(AtomicI64::new(START))).await
    }

    /// Starts on the given database, which must flush its commits.
    pub(crate) async fn start_on_durable(url: String) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let clock = Arc::new(AtomicI64::new(START));
        let durable = |_: &mut Config, service: &mut Service| {
            service.shared.database.require_fsync = true;
        };
        Self::start_with(url, folder, clock, durable).await
    }

    pub(crate) async fn start_in(url: String, folder: Arc<TempDir>, clock: Arc<AtomicI64>) -> Self {
        Self::start_with(url, folder, clock, |_, _| {}).await
    }

    /// A replica on the given database, on a machine whose clock is ahead or behind. It follows the
    /// database's clock.
    pub(crate) async fn start_ahead(url: String, ahead_ms: i64) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let own = Clock::new(move || jiff::Timestamp::now().as_millisecond() + ahead_ms);
        let unused = Arc::new(AtomicI64::new(START));
        Self::start_by(own.following_database(), url, folder, unused, |_, _| {}).await
    }

    pub(crate) async fn start_with(
        url: String,
        folder: Arc<TempDir>,
        clock: Arc<AtomicI64>,
        change: impl FnOnce(&mut Config, &mut Service),
    ) -> Self {
        let now = Arc::clone(&clock);
        let clock_of_service = Clock::new(move || now.load(Ordering::SeqCst));
        Self::start_by(clock_of_service, url, folder, clock, change).await
    }

    async fn start_by(
        clock_of_service: Clock,
        url: String,
        folder: Arc<TempDir>,
        clock: Arc<AtomicI64>,
        change: impl FnOnce(&mut Config, &mut Service),
    ) -> Self {
        let listen = listen_in(&folder);
        let mut service = Service::for_tests("queue");
        service.shared.database.url = Some(url.clone());
        let mut config = config(&folder, &listen);
        change(&mut config, &mut service);
        let task = AbortOnDropHandle::new(tokio::spawn(queue::run_with_clock(
            config,
            service.clone(),
            clock_of_service,
        )));
        let channel = service_kit::open_channel(&[listen.parse().unwrap()], None).unwrap();
        let queue = Self {
            url,
            peer: Peer { channel },
            folder,
            clock,
            service,
            task,
        };
        tokio::select! {
            () = queue.answers() => {}
            () = async { while !queue.task.is_finished() { tokio::time::sleep(POLL).await } } => {
                panic!("the queue ended: {:?}", queue.task.await);
            }
        }
        queue
    }

    /// Its endpoint.
    pub(crate) fn listen(&self) -> String {
        listen_in(&self.folder)
    }

    /// Drains and stops it.
    pub(crate) async fn stop(self) -> (String, Arc<TempDir>, Arc<AtomicI64>) {
        self.service.shutdown.cancel();
        in_time(self.task).await.unwrap().unwrap();
        (self.url, self.folder, self.clock)
    }

    pub(crate) async fn restart(self) -> Self {
        let (url, folder, clock) = self.stop().await;
        Self::start_in(url, folder, clock).await
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, milliseconds: i64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

fn listen_in(folder: &TempDir) -> String {
    format!("unix:{}/queue.sock", folder.path().display())
}

fn config(folder: &TempDir, listen: &str) -> Config {
    Config {
        data_path: None,
        listen: listen.to_owned(),
        secret_key_file: folder.path().join("secrets.key"),
        replace_secret_key: false,
        lease_seconds: LEASE_SECONDS,
        history_days: 30,
        refusal_days: 30,
        writers: 1,
    }
}

/// The error of a queue that refuses to start.
pub(crate) async fn refusal(url: &str, folder: &TempDir) -> String {
    let mut service = Service::for_tests("queue");
    service.shared.database.url = Some(url.to_owned());
    let listen = format!("unix:{}/queue.sock", folder.path().display());
    let clock = Clock::new(|| START);
    let run = queue::run_with_clock(config(folder, &listen), service, clock);
    format!("{:#}", in_time(run).await.unwrap_err())
}

impl Deref for Queue {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

/// A client's view of the queue.
pub(crate) struct Peer {
    pub(crate) channel: Channel,
}

impl Peer {
    /// Waits until it answers.
    pub(crate) async fn answers(&self) {
        let asked = async {
            while self.try_statistics().await.is_err() {
                tokio::time::sleep(POLL).await;
            }
        };
        in_time(asked).await;
    }

    pub(crate) fn client(&self) -> QueueClient<Channel> {
        QueueClient::new(self.channel.clone())
    }

    pub(crate) fn policy(&self) -> PolicyClient<Channel> {
        PolicyClient::new(self.channel.clone())
    }

    pub(crate) fn collection(&self) -> CollectionClient<Channel> {
        CollectionClient::new(self.channel.clone())
    }

    pub(crate) async fn submitter(&self) -> Submitter {
        let (requests, outbound) = mpsc::unbounded_channel();
        let responses = self
            .client()
            .enqueue(UnboundedReceiverStream::new(outbound))
            .await
            .unwrap()
            .into_inner();
        Submitter {
            requests,
            responses,
        }
    }

    /// Submits one message.
    pub(crate) async fn enqueue(&self, submission: Submission) -> Result<Accepted, Status> {
        self.submitter().await.enqueue(submission).await
    }

    pub(crate) async fn worker(&self, name: &str) -> LeaseStream {
        let mut worker = self.hello(name, "").await;
        let first = worker.response().await.unwrap();
        assert!(first.lease_seconds > 0);
        worker
    }

    /// A worker that may be refused.
    pub(crate) async fn hello(&self, name: &str, instance: &str) -> LeaseStream {
        let (requests, outbound) = mpsc::unbounded_channel();
        let hello = lease_request::Request::Hello(Worker {
            name: name.to_owned(),
            instance: instance.to_owned(),
            clock_ms: 0,
        });
        requests.send(request(hello)).unwrap();
        let responses = self
            .client()
            .lease(UnboundedReceiverStream::new(outbound))
            .await
            .unwrap()
            .into_inner();
        LeaseStream {
            requests: Some(requests),
            responses,
        }
    }

    pub(crate) async fn complete(&self, request: CompleteRequest) -> Result<Completed, Status> {
        let response = in_time(self.try_to_complete(request)).await.unwrap();
        match response.result.unwrap() {
            complete_response::Result::Completed(completed) => Ok(completed),
            complete_response::Result::Failure(failure) => {
                Err(Status::new(Code::from_i32(failure.code), failure.message))
            }
        }
    }

    /// The same, for a queue that may stop meanwhile.
    pub(crate) async fn try_to_complete(
        &self,
        request: CompleteRequest,
    ) -> Result<CompleteResponse, Status> {
        let (requests, outbound) = mpsc::unbounded_channel();
        // A failure shows in the response below.
        let _ = requests.send(request);
        let mut responses: Streaming<CompleteResponse> = self
            .client()
            .complete(UnboundedReceiverStream::new(outbound))
            .await?
            .into_inner();
        let response = responses.message().await?;
        response.ok_or_else(|| Status::unavailable("the queue ended the stream"))
    }

    /// Completes a leased recipient. True if its lease still held.
    pub(crate) async fn end(&self, recipient: &LeasedRecipient, outcome: Outcome) -> bool {
        let request = CompleteRequest {
            tag: 1,
            completions: vec![completion(recipient, outcome)],
            ..CompleteRequest::default()
        };
        self.complete(request).await.unwrap().stale.is_empty()
    }

    pub(crate) async fn show(&self, message_id: i64) -> Result<ShowMessageResponse, Status> {
        let request = ShowMessageRequest {
            actor: administrator(),
            message_id,
        };
        let response = self.client().show_message(request).await?;
        Ok(response.into_inner())
    }

    async fn try_statistics(&self) -> Result<GetStatisticsResponse, Status> {
        let response = self
            .client()
            .get_statistics(GetStatisticsRequest {})
            .await?;
        Ok(response.into_inner())
    }

    pub(crate) async fn statistics(&self) -> GetStatisticsResponse {
        self.try_statistics().await.unwrap()
    }
}

/// A stream of submissions.
pub(crate) struct Submitter {
    requests: mpsc::UnboundedSender<EnqueueRequest>,
    responses: Streaming<EnqueueResponse>,
}

impl Submitter {
    pub(crate) fn send(&self, tag: u64, submission: Submission) {
        let submission = Some(submission);
        self.requests
            .send(EnqueueRequest { tag, submission })
            .unwrap();
    }

    pub(crate) async fn answer(&mut self) -> (u64, Result<Accepted, Status>) {
        let response = in_time(self.responses.message()).await.unwrap().unwrap();
        let result = match response.result.unwrap() {
            enqueue_response::Result::Accepted(accepted) => Ok(accepted),
            enqueue_response::Result::Failure(failure) => {
                Err(Status::new(Code::from_i32(failure.code), failure.message))
            }
        };
        (response.tag, result)
    }

    pub(crate) async fn enqueue(&mut self, submission: Submission) -> Result<Accepted, Status> {
        self.send(7, submission);
        let (tag, result) = self.answer().await;
        assert_eq!(tag, 7);
        result
    }
}

/// A worker's side of its stream.
pub(crate) struct LeaseStream {
    requests: Option<mpsc::UnboundedSender<LeaseRequest>>,
    responses: Streaming<LeaseResponse>,
}

impl LeaseStream {
    fn send(&self, kind: lease_request::Request) {
        self.requests.as_ref().unwrap().send(request(kind)).unwrap();
    }

    pub(crate) fn grant(&self, credits: u32) {
        self.send(lease_request::Request::Credits(credits));
    }

    pub(crate) fn renew(&self, recipients: &[LeasedRecipient]) {
        let leases = recipients.iter().map(key).collect();
        self.send(lease_request::Request::Renew(Renewal {
            leases,
            clock_ms: 0,
        }));
    }

    /// Renews nothing, but reports the time of the worker's clock.
    pub(crate) fn show_clock(&self, clock_ms: i64) {
        self.send(lease_request::Request::Renew(Renewal {
            leases: Vec::new(),
            clock_ms,
        }));
    }

    pub(crate) fn drain(&self) {
        self.send(lease_request::Request::Drain(Drain {}));
    }

    pub(crate) fn give_back(&self, recipients: &[LeasedRecipient]) {
        let leases = recipients.iter().map(key).collect();
        self.send(lease_request::Request::GiveBack(GiveBack { leases }));
    }

    pub(crate) async fn response(&mut self) -> Result<LeaseResponse, Status> {
        in_time(self.responses.message()).await.map(Option::unwrap)
    }

    /// Waits for this many recipients; more must not come with them.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<LeasedRecipient> {
        let mut recipients = Vec::new();
        while recipients.len() < count {
            let response = self.response().await.unwrap();
            recipients.extend(response.messages.into_iter().flat_map(|m| m.recipients));
        }
        assert_eq!(recipients.len(), count);
        recipients
    }

    /// Breaks the stream.
    pub(crate) fn break_off(self) {}
}

fn request(kind: lease_request::Request) -> LeaseRequest {
    LeaseRequest {
        request: Some(kind),
    }
}

pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, future)
        .await
        .expect("it did not come")
}

/// An administrator who asks.
pub(crate) fn administrator() -> Option<Actor> {
    Some(Actor::administrator("root", None))
}

pub(crate) fn key(recipient: &LeasedRecipient) -> LeaseKey {
    LeaseKey {
        recipient_id: recipient.recipient_id,
        epoch: recipient.epoch,
    }
}

pub(crate) fn completion(recipient: &LeasedRecipient, outcome: Outcome) -> Completion {
    Completion {
        lease: Some(key(recipient)),
        outcome: outcome.into(),
        reason: "because".to_owned(),
        server: "mx.example.test".to_owned(),
        reply: "250 2.0.0 fine".to_owned(),
        policy_revision: 3,
        retry_at_ms: 0,
        retry_after_ms: 0,
        delay_notified: false,
    }
}

/// A small message to these recipients.
pub(crate) fn submission<'a>(to: impl IntoIterator<Item = &'a str>) -> Submission {
    let text = Bytes::from_static(b"Hello.\r\n");
    Submission {
        reverse_path: "alice@example.test".to_owned(),
        recipients: to
            .into_iter()
            .map(|address| Recipient {
                address: address.to_owned(),
                original_recipient: String::new(),
                notify: None,
            })
            .collect(),
        content: Some(Content {
            header: Bytes::from_static(b"Subject: greetings\r\n\r\n"),
            text_size: text.len() as u64,
            text: Some(content::Text::Inline(text)),
            summary: Some(Summary {
                subject: "greetings".to_owned(),
                ..Summary::default()
            }),
        }),
        ..Submission::default()
    }
}

/// The octets of a message, as the queue returns them.
pub(crate) async fn read(queue: &Queue, message_id: i64, header_only: bool) -> Vec<u8> {
    let request = api::queue::v1::ReadMessageRequest {
        actor: administrator(),
        message_id,
        header_only,
    };
    let mut chunks = queue
        .client()
        .read_message(request)
        .await
        .unwrap()
        .into_inner();
    let mut bytes = Vec::new();
    while let Some(chunk) = in_time(chunks.message()).await.unwrap() {
        assert!(chunk.data.len() <= 256 * 1024);
        bytes.extend_from_slice(&chunk.data);
    }
    bytes
}
