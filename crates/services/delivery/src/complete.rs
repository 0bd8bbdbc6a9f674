//! Recording outcomes in the queue: one request holds everything that waits, and the next one what arrives
//! meanwhile.
//!
//! A request whose answer was lost is sent again. Outcomes recorded before come back as stale, and their
//! derived messages are not made twice. A refused request is sent again in halves, until each offending
//! outcome is alone. Most outcomes are mail that has been delivered, and would be delivered again if the
//! lease expired. If an outcome is refused alone, less of it is recorded, with the reason ([`OutcomeGroup::lesser`]).

mod gateways;
mod group;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use api::grpc::{Channel, Code, Status};
use api::queue::v1::{
    CompleteRequest, CompleteResponse, complete_response, queue_client::QueueClient,
};
use api::stream::{Backoff, Interrupted, Opened, TaggedCalls};
use futures::FutureExt as _;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::leases::Ended;

use gateways::{Attempt, Attempts};
pub(crate) use group::{NotMade, OutcomeGroup, remark_on};

/// Maximum number of completions in one request.
const BATCH: usize = 1_000;
/// Maximum octets of a request with its derived messages: a quarter of the queue's limit.
const OCTETS: usize = MESSAGE_LIMIT / 4;
/// Maximum number of unanswered requests.
const CALLS: usize = 2;
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
/// Pauses before the stream is opened again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));
/// Pause before a group that fails alone is tried again.
const PUT_OFF: Duration = Duration::from_secs(5);
/// How long a group that fails alone is retried. Its leases are renewed meanwhile, so that nothing is
/// delivered again.
const RETRY_BUDGET: Duration = Duration::from_secs(300);

/// A handle of the task that records outcomes. Clones share the task.
#[derive(Clone)]
pub(crate) struct Completer {
    // Unbounded: there are no more completions than leases.
    groups: mpsc::UnboundedSender<Vec<OutcomeGroup>>,
    /// Results of gateways, reported with the next completion. Every attempt has one.
    gateways: Arc<Attempts>,
}

impl Completer {
    /// Starts the task. It ends when the last handle is dropped and everything is recorded.
    pub(crate) fn start(channel: Channel) -> Self {
        let (groups, inbox) = mpsc::unbounded_channel();
        let gateways = Arc::<Attempts>::default();
        let recorder = Recorder::new(channel, inbox, Arc::clone(&gateways));
        tokio::spawn(recorder.run());
        Self { groups, gateways }
    }

    pub(crate) fn complete(&self, groups: Vec<OutcomeGroup>) {
        if !groups.is_empty() {
            // This fails only when the process ends; then the leases expire.
            let _ = self.groups.send(groups);
        }
    }

    /// Stores the result of an attempt over a gateway, with its failure if it failed. Call this before its
    /// completions are given.
    pub(crate) fn gateway(&self, name: &Arc<str>, failure: Option<&str>) {
        self.gateways.note(name, failure);
    }
}

/// The contents of a request.
#[derive(Debug, Default)]
struct Batch {
    groups: Vec<OutcomeGroup>,
    gateways: Vec<Attempt>,
}

struct Recorder {
    inbox: mpsc::UnboundedReceiver<Vec<OutcomeGroup>>,
    pending: VecDeque<OutcomeGroup>,
    /// Parts of refused requests; each is a request of its own.
    parts: VecDeque<Vec<OutcomeGroup>>,
    /// Groups that failed alone, with the time of the next try. The pause is the same for all.
    put_off: VecDeque<(Instant, OutcomeGroup)>,
    calls: TaggedCalls<Batch, CompleteRequest, CompleteResponse>,
    gateways: Arc<Attempts>,
    closed: bool,
}

impl Recorder {
    fn new(
        channel: Channel,
        inbox: mpsc::UnboundedReceiver<Vec<OutcomeGroup>>,
        gateways: Arc<Attempts>,
    ) -> Self {
        Self {
            inbox,
            pending: VecDeque::new(),
            parts: VecDeque::new(),
            put_off: VecDeque::new(),
            calls: calls(channel),
            gateways,
            closed: false,
        }
    }

    /// Records until there is nothing more to record. Unanswered requests survive a panic: they hold
    /// delivered mail.
    async fn run(mut self) {
        while AssertUnwindSafe(self.work()).catch_unwind().await.is_err() {
            self.calls.give_up(Status::internal("a panic"));
        }
    }

    async fn work(&mut self) {
        loop {
            self.send_pending();
            if self.closed && self.is_idle() {
                return;
            }
            tokio::select! {
                answer = self.calls.next() => match answer {
                    Ok((batch, response)) => self.answered(batch, response),
                    Err(interrupted) => self.interrupted(interrupted),
                },
                received = self.inbox.recv(), if !self.closed => match received {
                    Some(groups) => self.pending.extend(groups),
                    None => self.closed = true,
                },
                // Without room for another call, nothing could be done.
                () = due(self.put_off.front()), if self.calls.has_room() => {}
            }
            while let Ok(groups) = self.inbox.try_recv() {
                self.pending.extend(groups);
            }
        }
    }

    fn send_pending(&mut self) {
        while self.calls.has_room()
            && let Some(groups) = self.next_groups()
        {
            let gateways = self.gateways.take();
            self.calls.call(Batch { groups, gateways }, request);
        }
    }

    /// Queues everything for repetition that was unanswered.
    fn interrupted(&mut self, interrupted: Interrupted<Batch>) {
        let Interrupted { calls, status } = interrupted;
        tracing::warn!(
            code = %status.code(),
            reason = status.message(),
            "stream of completions ended"
        );
        for batch in calls.into_iter().rev() {
            self.gateways.put_back(batch.gateways);
            self.parts.push_front(batch.groups);
        }
    }

    /// The groups for the next request.
    fn next_groups(&mut self) -> Option<Vec<OutcomeGroup>> {
        if let Some(part) = self.parts.pop_front() {
            return Some(part);
        }
        let now = Instant::now();
        if let Some((_, group)) = self.put_off.pop_front_if(|(at, _)| *at <= now) {
            return Some(vec![group]);
        }
        let (mut completions, mut octets) = (0, 0);
        let first = self.pending.pop_front()?;
        let mut fits = |group: &OutcomeGroup| {
            completions += group.ended.len();
            octets += group.octets();
            completions <= BATCH && octets <= OCTETS
        };
        fits(&first);
        let mut groups = vec![first];
        while let Some(group) = self.pending.pop_front_if(|group| fits(group)) {
            groups.push(group);
        }
        Some(groups)
    }

    fn answered(&mut self, batch: Batch, response: CompleteResponse) {
        let status = match response.result {
            Some(complete_response::Result::Completed(completed)) => {
                if !completed.stale.is_empty() {
                    tracing::info!(
                        stale = completed.stale.len(),
                        "completions came after their leases had ended"
                    );
                }
                return Ended::recorded(batch.groups.into_iter().flat_map(|group| group.ended));
            }
            Some(complete_response::Result::Failure(failure)) => Status::from(failure),
            None => Status::internal("an empty answer"),
        };
        self.gateways.put_back(batch.gateways);
        self.refused(batch.groups, &status);
    }

    /// Handles a refusal: none of these groups was recorded.
    fn refused(&mut self, mut groups: Vec<OutcomeGroup>, status: &Status) {
        if groups.len() > 1 {
            let rest = groups.split_off(groups.len() / 2);
            self.parts.extend([groups, rest]);
            return;
        }
        for mut group in groups {
            let now = Instant::now();
            let since = *group.failing_since.get_or_insert(now);
            let for_good = matches!(status.code(), Code::InvalidArgument | Code::OutOfRange);
            let given_up = for_good || now.duration_since(since) >= RETRY_BUDGET;
            tracing::error!(
                recipients = ?group.recipients(),
                code = %status.code(),
                reason = status.message(),
                given_up,
                "the queue did not record an outcome"
            );
            if given_up {
                // When nothing less is left to record, the leases expire, and the recipients are tried again.
                self.pending.extend(group.lesser(status.message()));
            } else {
                self.put_off.push_back((now + PUT_OFF, group));
            }
        }
    }

    /// Whether everything is recorded or given up.
    fn is_idle(&self) -> bool {
        self.pending.is_empty()
            && self.parts.is_empty()
            && self.put_off.is_empty()
            && self.calls.is_idle()
    }
}

/// Calls over one stream to the queue.
fn calls(channel: Channel) -> TaggedCalls<Batch, CompleteRequest, CompleteResponse> {
    TaggedCalls::new(PAUSES, CALLS, move |requests| {
        let mut client = QueueClient::new(channel.clone())
            .max_encoding_message_size(MESSAGE_LIMIT)
            .max_decoding_message_size(MESSAGE_LIMIT);
        async move {
            let responses = client.complete(requests).await?;
            Ok(Opened::new(responses.into_inner()))
        }
        .boxed()
    })
}

fn request(tag: u64, batch: &Batch) -> CompleteRequest {
    let completions = batch.groups.iter().flat_map(OutcomeGroup::completions);
    let derived = batch.groups.iter().flat_map(|group| &group.derived);
    CompleteRequest {
        tag,
        completions: completions.cloned().collect(),
        derived: derived.cloned().collect(),
        gateways: batch.gateways.iter().map(Attempt::report).collect(),
    }
}

/// Waits until the first deferred group is due.
async fn due(first: Option<&(Instant, OutcomeGroup)>) {
    match first {
        Some((at, _)) => tokio::time::sleep_until(*at).await,
        None => std::future::pending().await,
    }
}
