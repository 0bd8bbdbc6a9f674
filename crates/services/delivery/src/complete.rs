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
pub(crate) use unit::Unit;

/// Completions in one request.
const BATCH: usize = 1_000;
/// Their octets and those of the messages that they make: a quarter of what the queue takes.
const OCTETS: usize = MESSAGE_LIMIT / 4;
/// Requests under way.
const CALLS: usize = 2;
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
/// Before the stream is opened again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));
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
    inbox: mpsc::UnboundedReceiver<Vec<Unit>>,
    pending: VecDeque<Unit>,
    /// Of requests that were refused; each is a request.
    parts: VecDeque<Vec<Unit>>,
    /// What fails by itself, and when it is tried again; all after the same pause.
    put_off: VecDeque<(Instant, Unit)>,
    calls: TaggedCalls<Batch, CompleteRequest, CompleteResponse>,
    gateways: Arc<Attempts>,
    closed: bool,
}

impl Recorder {
    fn new(
        channel: Channel,
        inbox: mpsc::UnboundedReceiver<Vec<Unit>>,
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

    /// Records until there will be nothing more. What is under way outlives a panic as well: it is mail that has
    /// been delivered.
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
                    Some(units) => self.pending.extend(units),
                    None => self.closed = true,
                },
                // While all calls are under way nothing could be done about it.
                () = due(self.put_off.front()), if self.calls.has_room() => {}
            }
            while let Ok(units) = self.inbox.try_recv() {
                self.pending.extend(units);
            }
        }
    }

    fn send_pending(&mut self) {
        while self.calls.has_room()
            && let Some(units) = self.next_units()
        {
            let gateways = self.gateways.take();
            self.calls.call(Batch { units, gateways }, request);
        }
    }

    /// Everything that was under way is sent again.
    fn interrupted(&mut self, interrupted: Interrupted<Batch>) {
        let Interrupted { calls, status } = interrupted;
        tracing::warn!(
            code = %status.code(),
            reason = status.message(),
            "stream of completions ended"
        );
        for batch in calls.into_iter().rev() {
            self.gateways.put_back(batch.gateways);
            self.parts.push_front(batch.units);
        }
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

    fn answered(&mut self, batch: Batch, response: CompleteResponse) {
        let status = match response.result {
            Some(complete_response::Result::Completed(completed)) => {
                if !completed.stale.is_empty() {
                    tracing::info!(
                        stale = completed.stale.len(),
                        "completions came after their leases had ended"
                    );
                }
                return Ended::recorded(batch.units.into_iter().flat_map(|unit| unit.ended));
            }
            Some(complete_response::Result::Failure(failure)) => Status::from(failure),
            None => Status::internal("an empty answer"),
        };
        self.gateways.put_back(batch.gateways);
        self.refused(batch.units, &status);
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
