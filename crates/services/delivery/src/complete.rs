//! Recording outcomes in the queue: everything that waits goes in one request, and what comes in
//! meanwhile in the next.
//!
//! A request whose answer was lost is sent again: what had been recorded comes back as stale, and
//! its notices are not sent twice.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use api::grpc::{Channel, Code, Status, Streaming};
use api::queue::v1::{
    CompleteRequest, CompleteResponse, Completion, Notice, complete_response,
    queue_client::QueueClient,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::lease::Held;

/// Completions in one request.
const BATCH: usize = 1_000;
/// Notices in one request: each carries a message of up to 200 KiB.
const NOTICES: usize = 8;
/// Requests under way.
const CALLS: usize = 2;
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
const PAUSES_MS: [u64; 6] = [20, 50, 100, 250, 500, 1_000];

/// Completions that are recorded together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    pub(crate) completions: Vec<Completion>,
    pub(crate) notices: Vec<Notice>,
}

impl Unit {
    pub(crate) fn quiet(completions: Vec<Completion>) -> Self {
        Self {
            completions,
            notices: Vec::new(),
        }
    }
}

/// A handle to the task that records outcomes; clones share it.
#[derive(Clone)]
pub(crate) struct Completer {
    // Not bounded here: there are no more completions than leases.
    units: mpsc::UnboundedSender<Unit>,
}

impl Completer {
    /// Starts the task; it ends when the last handle is dropped and everything is recorded.
    pub(crate) fn start(channel: Channel, held: Arc<Held>) -> Self {
        let (units, inbox) = mpsc::unbounded_channel();
        let recorder = Recorder {
            channel,
            held,
            inbox,
            pending: VecDeque::new(),
            under_way: BTreeMap::new(),
            next_tag: 0,
            answers: 0,
            closed: false,
        };
        tokio::spawn(recorder.run());
        Self { units }
    }

    pub(crate) fn complete(&self, unit: Unit) {
        // It only fails when the process ends; then the leases lapse.
        let _ = self.units.send(unit);
    }
}

struct Recorder {
    channel: Channel,
    held: Arc<Held>,
    inbox: mpsc::UnboundedReceiver<Unit>,
    pending: VecDeque<Unit>,
    under_way: BTreeMap<u64, CompleteRequest>,
    next_tag: u64,
    /// Since the process started: a stream that has answered something was a good one.
    answers: u64,
    closed: bool,
}

impl Recorder {
    /// Opens the stream when there is something to record, and again after it broke.
    async fn run(mut self) {
        let mut failures: usize = 0;
        loop {
            if self.pending.is_empty() && self.under_way.is_empty() {
                match self.inbox.recv().await {
                    Some(unit) => self.pending.push_back(unit),
                    None => return,
                }
            }
            let before = self.answers;
            if let Err(status) = self.stream().await {
                failures = if self.answers > before {
                    0
                } else {
                    failures + 1
                };
                tracing::warn!(
                    code = %status.code(),
                    reason = status.message(),
                    "stream of completions ended"
                );
                let pause = PAUSES_MS[failures.min(PAUSES_MS.len() - 1)];
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        }
    }

    /// One stream. `Ok` when nothing is left to do.
    async fn stream(&mut self) -> Result<(), Status> {
        let (requests, outbound) = mpsc::channel(CALLS);
        // Along with the opening of the stream: there is room for all requests.
        for request in self.under_way.values() {
            send(&requests, request.clone()).await?;
        }
        self.send_pending(&requests).await?;
        let mut responses = QueueClient::new(self.channel.clone())
            .max_encoding_message_size(MESSAGE_LIMIT)
            .max_decoding_message_size(MESSAGE_LIMIT)
            .complete(ReceiverStream::new(outbound))
            .await?
            .into_inner();
        loop {
            self.send_pending(&requests).await?;
            if self.closed && self.under_way.is_empty() && self.pending.is_empty() {
                return Ok(());
            }
            tokio::select! {
                response = answer(&mut responses) => self.answered(response?)?,
                received = self.inbox.recv(), if !self.closed => match received {
                    Some(unit) => self.pending.push_back(unit),
                    None => self.closed = true,
                },
            }
            while let Ok(unit) = self.inbox.try_recv() {
                self.pending.push_back(unit);
            }
        }
    }

    async fn send_pending(
        &mut self,
        requests: &mpsc::Sender<CompleteRequest>,
    ) -> Result<(), Status> {
        while self.under_way.len() < CALLS && !self.pending.is_empty() {
            let request = self.next_request();
            self.under_way.insert(request.tag, request.clone());
            send(requests, request).await?;
        }
        Ok(())
    }

    fn next_request(&mut self) -> CompleteRequest {
        let mut request = CompleteRequest {
            tag: self.next_tag,
            ..CompleteRequest::default()
        };
        self.next_tag += 1;
        while let Some(unit) = self.pending.front() {
            let full = request.completions.len() + unit.completions.len() > BATCH
                || request.notices.len() + unit.notices.len() > NOTICES;
            if full && !request.completions.is_empty() {
                break;
            }
            let Some(unit) = self.pending.pop_front() else {
                break;
            };
            request.completions.extend(unit.completions);
            request.notices.extend(unit.notices);
        }
        request
    }

    fn answered(&mut self, response: CompleteResponse) -> Result<(), Status> {
        let status = match response.result {
            Some(complete_response::Result::Completed(completed)) => {
                if !completed.stale.is_empty() {
                    tracing::info!(
                        stale = completed.stale.len(),
                        "completions came after their leases had ended"
                    );
                }
                self.answers += 1;
                self.done(response.tag);
                return Ok(());
            }
            Some(complete_response::Result::Failure(failure)) => Status::from(failure),
            None => Status::internal("an empty answer"),
        };
        if matches!(status.code(), Code::InvalidArgument | Code::OutOfRange) {
            // It would be refused again; the leases lapse, and the recipients are tried again.
            tracing::error!(reason = status.message(), "the queue refused completions");
            self.done(response.tag);
            return Ok(());
        }
        // Begin a new stream after a pause: everything under way is sent again.
        Err(status)
    }

    fn done(&mut self, tag: u64) {
        if let Some(request) = self.under_way.remove(&tag) {
            let leases = request.completions.iter();
            self.held
                .release(leases.filter_map(|completion| completion.lease.as_ref()));
        }
    }
}

async fn answer(responses: &mut Streaming<CompleteResponse>) -> Result<CompleteResponse, Status> {
    match responses.message().await? {
        Some(response) => Ok(response),
        None => Err(Status::unavailable("the queue ended the stream")),
    }
}

async fn send(
    requests: &mpsc::Sender<CompleteRequest>,
    request: CompleteRequest,
) -> Result<(), Status> {
    let sent = requests.send(request).await;
    sent.map_err(|_| Status::unavailable("the stream to the queue ended"))
}
