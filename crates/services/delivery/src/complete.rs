//! Recording outcomes in the queue: everything that waits goes in one request, and what comes in
//! meanwhile in the next.
//!
//! A request whose answer was lost is sent again: what had been recorded comes back as stale, and
//! what they make is not made twice. One that is refused is sent again in halves, until what the
//! queue does not take stands alone: most outcomes are mail that has been delivered, and would be
//! delivered again when the lease lapses. Of what is refused alone less is recorded, and why
//! ([`Unit::lesser`]).

mod gateways;
#[cfg(test)]
mod tests;
mod unit;

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use api::grpc::{Channel, Code, Status, Streaming};
use api::queue::v1::{
    CompleteRequest, CompleteResponse, complete_response, queue_client::QueueClient,
};
use futures::FutureExt as _;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use crate::leases::Ended;

use gateways::{Attempt, Attempts};
pub(crate) use unit::Unit;

/// Completions in one request.
const BATCH: usize = 1_000;
/// Their octets and those of the messages that they make: a quarter of what the queue takes.
const OCTETS: usize = MESSAGE_LIMIT / 4;
/// Requests under way.
const CALLS: usize = 2;
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
const PAUSES_MS: [u64; 6] = [20, 50, 100, 250, 500, 1_000];
/// When a unit that fails by itself is tried again.
const PUT_OFF: Duration = Duration::from_secs(5);
/// How long it is. Its leases are renewed meanwhile, so that nothing is delivered again.
const PATIENCE: Duration = Duration::from_secs(300);

/// A handle to the task that records outcomes; clones share it.
#[derive(Clone)]
pub(crate) struct Completer {
    // Not bounded here: there are no more completions than leases.
    units: mpsc::UnboundedSender<Vec<Unit>>,
    /// Reported with the next completion, which each attempt has.
    gateways: Arc<Attempts>,
}

impl Completer {
    /// Starts the task; it ends when the last handle is dropped and everything is recorded.
    pub(crate) fn start(channel: Channel) -> Self {
        let (units, inbox) = mpsc::unbounded_channel();
        let gateways = Arc::<Attempts>::default();
        let recorder = Recorder::new(channel, inbox, Arc::clone(&gateways));
        tokio::spawn(recorder.run());
        Self { units, gateways }
    }

    pub(crate) fn complete(&self, units: Vec<Unit>) {
        if !units.is_empty() {
            // It only fails when the process ends; then the leases lapse.
            let _ = self.units.send(units);
        }
    }

    /// Notes an attempt over a gateway, and why it failed if it did, before its completions are given.
    pub(crate) fn gateway(&self, name: &Arc<str>, failure: Option<&str>) {
        self.gateways.note(name, failure);
    }
}

/// What a request says.
#[derive(Debug, Default)]
struct Batch {
    units: Vec<Unit>,
    gateways: Vec<Attempt>,
}

struct Recorder {
    channel: Channel,
    inbox: mpsc::UnboundedReceiver<Vec<Unit>>,
    pending: VecDeque<Unit>,
    /// Of requests that were refused; each is a request.
    parts: VecDeque<Vec<Unit>>,
    /// What fails by itself, and when it is tried again; all after the same pause.
    put_off: VecDeque<(Instant, Unit)>,
    under_way: BTreeMap<u64, Batch>,
    gateways: Arc<Attempts>,
    next_tag: u64,
    /// Since the process started: a stream that has answered something was a good one.
    answers: u64,
    closed: bool,
}

impl Recorder {
    fn new(
        channel: Channel,
        inbox: mpsc::UnboundedReceiver<Vec<Unit>>,
        gateways: Arc<Attempts>,
    ) -> Self {
        Self {
            channel,
            inbox,
            pending: VecDeque::new(),
            parts: VecDeque::new(),
            put_off: VecDeque::new(),
            under_way: BTreeMap::new(),
            gateways,
            next_tag: 0,
            answers: 0,
            closed: false,
        }
    }

    /// Opens the stream when there is something to record, and again after it broke.
    async fn run(mut self) {
        let mut failures: usize = 0;
        loop {
            if self.is_idle() {
                match self.inbox.recv().await {
                    Some(units) => self.pending.extend(units),
                    None => return,
                }
            }
            let before = self.answers;
            // What is under way outlives a panic as well: it is mail that has been delivered.
            let end = AssertUnwindSafe(self.stream()).catch_unwind().await;
            if let Err(status) = end.unwrap_or_else(|_| Err(Status::internal("a panic"))) {
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
        for (tag, batch) in &self.under_way {
            send(&requests, request(*tag, batch)).await?;
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
            if self.closed && self.is_idle() {
                return Ok(());
            }
            tokio::select! {
                response = answer(&mut responses) => self.answered(response?)?,
                received = self.inbox.recv(), if !self.closed => match received {
                    Some(units) => self.pending.extend(units),
                    None => self.closed = true,
                },
                // While all calls are under way nothing could be done about it.
                () = due(self.put_off.front()), if self.under_way.len() < CALLS => {}
            }
            while let Ok(units) = self.inbox.try_recv() {
                self.pending.extend(units);
            }
        }
    }

    async fn send_pending(
        &mut self,
        requests: &mpsc::Sender<CompleteRequest>,
    ) -> Result<(), Status> {
        while self.under_way.len() < CALLS
            && let Some(units) = self.next_units()
        {
            let tag = self.next_tag;
            self.next_tag += 1;
            let gateways = self.gateways.take();
            let batch = Batch { units, gateways };
            let request = request(tag, &batch);
            self.under_way.insert(tag, batch);
            send(requests, request).await?;
        }
        Ok(())
    }

    /// What the next request records.
    fn next_units(&mut self) -> Option<Vec<Unit>> {
        if let Some(part) = self.parts.pop_front() {
            return Some(part);
        }
        let now = Instant::now();
        if let Some((_, unit)) = self.put_off.pop_front_if(|(at, _)| *at <= now) {
            return Some(vec![unit]);
        }
        let (mut completions, mut octets) = (0, 0);
        let first = self.pending.pop_front()?;
        let mut fits = |unit: &Unit| {
            completions += unit.ended.len();
            octets += unit.octets();
            completions <= BATCH && octets <= OCTETS
        };
        fits(&first);
        let mut units = vec![first];
        while let Some(unit) = self.pending.pop_front_if(|unit| fits(unit)) {
            units.push(unit);
        }
        Some(units)
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
                let batch = self.under_way.remove(&response.tag).unwrap_or_default();
                Ended::recorded(batch.units.into_iter().flat_map(|unit| unit.ended));
                return Ok(());
            }
            Some(complete_response::Result::Failure(failure)) => Status::from(failure),
            None => Status::internal("an empty answer"),
        };
        if status.code() == Code::Unavailable {
            // Begin a new stream after a pause: everything under way is sent again.
            return Err(status);
        }
        self.answers += 1;
        if let Some(batch) = self.under_way.remove(&response.tag) {
            self.gateways.put_back(batch.gateways);
            self.refused(batch.units, &status);
        }
        Ok(())
    }

    /// None of these was recorded.
    fn refused(&mut self, mut units: Vec<Unit>, status: &Status) {
        if units.len() > 1 {
            let rest = units.split_off(units.len() / 2);
            self.parts.extend([units, rest]);
            return;
        }
        for mut unit in units {
            let now = Instant::now();
            let since = *unit.failing_since.get_or_insert(now);
            let for_good = matches!(status.code(), Code::InvalidArgument | Code::OutOfRange);
            let given_up = for_good || now.duration_since(since) >= PATIENCE;
            tracing::error!(
                recipients = ?unit.recipients(),
                code = %status.code(),
                reason = status.message(),
                given_up,
                "the queue did not record an outcome"
            );
            if given_up {
                // When there is no less to say the leases lapse, and the recipients are tried again.
                self.pending.extend(unit.lesser(status.message()));
            } else {
                self.put_off.push_back((now + PUT_OFF, unit));
            }
        }
    }

    /// Everything is recorded or given up.
    fn is_idle(&self) -> bool {
        self.pending.is_empty()
            && self.parts.is_empty()
            && self.put_off.is_empty()
            && self.under_way.is_empty()
    }
}

fn request(tag: u64, batch: &Batch) -> CompleteRequest {
    let completions = batch.units.iter().flat_map(Unit::completions);
    let derived = batch.units.iter().flat_map(|unit| &unit.derived);
    CompleteRequest {
        tag,
        completions: completions.cloned().collect(),
        derived: derived.cloned().collect(),
        gateways: batch.gateways.iter().map(Attempt::report).collect(),
    }
}

/// Waits until what was put off first is due.
async fn due(first: Option<&(Instant, Unit)>) {
    match first {
        Some((at, _)) => tokio::time::sleep_until(*at).await,
        None => std::future::pending().await,
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
