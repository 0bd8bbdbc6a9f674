//! Delivery to mailboxes: one call holds everything that waits, and the next one what arrives meanwhile. One
//! task serves each replica of mailbox-store; a message needs no task of its own.

mod delivery;
mod replica;
mod results;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::grpc::{Channel, Code, Status};
use api::mailbox::v1::{DeliverRequest, DeliverResponse, Delivery, deliver_response};
use api::stream::{Backoff, Interrupted, TaggedCalls};
use futures::FutureExt as _;
use message::trace;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::fate::{Failure, Fate};
use crate::finish::Finisher;
use delivery::{PUT_OFF, Progress};

pub(crate) use delivery::LocalDelivery;

/// Deliveries in one call, which is one transaction at mailbox-store.
const BATCH: usize = 500;
/// Octets of their messages' prefixes: half of a call's limit.
const PREFIXES: usize = MESSAGE_LIMIT / 2;
/// Maximum number of replicas to which a process delivers at a time.
const STREAMS: usize = 8;
/// Unanswered calls: while one is committed the next is read.
const CALLS: usize = 2;
/// Larger than the answer to any batch.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
/// How long mailbox-store may be away before its recipients go back to the queue, so that they do not use up
/// the credits of all others.
const RETRY_BUDGET: Duration = Duration::from_secs(5);
/// Mailbox for suspicious mail. A user without this mailbox finds the mail in the INBOX.
const JUNK: &str = "Junk";
/// The INBOX in mailbox-store's contract.
const INBOX: &str = "";
/// Pauses before the stream is opened again.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(500));

/// A handle of the tasks that deliver to mailboxes. They end when it is dropped and everything is delivered.
pub(crate) struct Local {
    channel: Channel,
    finisher: Arc<Finisher>,
    deliverers: Mutex<Deliverers>,
}

#[derive(Default)]
struct Deliverers {
    // Unbounded: the credits bound the number of leases.
    inboxes: Vec<mpsc::UnboundedSender<Vec<LocalDelivery>>>,
    next: usize,
}

impl Local {
    /// Delivers over `channel` to mailbox-store.
    pub(crate) fn start(channel: Channel, finisher: Arc<Finisher>) -> Self {
        Self {
            channel,
            finisher,
            deliverers: Mutex::default(),
        }
    }

    /// Passes deliveries to the replicas in turn.
    pub(crate) fn deliver(&self, deliveries: Vec<LocalDelivery>) {
        if deliveries.is_empty() {
            return;
        }
        let replicas = self.channel.connections().len().clamp(1, STREAMS);
        let mut deliverers = self
            .deliverers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while deliverers.inboxes.len() < replicas {
            let (sender, inbox) = mpsc::unbounded_channel();
            let number = deliverers.inboxes.len();
            let (channel, finisher) = (self.channel.clone(), Arc::clone(&self.finisher));
            tokio::spawn(Deliverer::new(channel, number, finisher, inbox).run());
            deliverers.inboxes.push(sender);
        }
        deliverers.next = (deliverers.next + 1) % replicas;
        // This fails only when the process ends; then the leases expire.
        let _ = deliverers.inboxes[deliverers.next].send(deliveries);
    }
}

struct Deliverer {
    finisher: Arc<Finisher>,
    inbox: mpsc::UnboundedReceiver<Vec<LocalDelivery>>,
    pending: Vec<LocalDelivery>,
    calls: TaggedCalls<Vec<LocalDelivery>, DeliverRequest, DeliverResponse>,
    closed: bool,
}

impl Deliverer {
    /// Delivers over `channel` to the replica of this number.
    fn new(
        channel: Channel,
        number: usize,
        finisher: Arc<Finisher>,
        inbox: mpsc::UnboundedReceiver<Vec<LocalDelivery>>,
    ) -> Self {
        Self {
            finisher,
            inbox,
            pending: Vec::new(),
            calls: replica::calls(channel, number),
            closed: false,
        }
    }

    /// Delivers until there is nothing more. A panic costs the deliveries at hand: which of them caused it is
    /// unknown.
    async fn run(mut self) {
        while AssertUnwindSafe(self.work()).catch_unwind().await.is_err() {
            let under_way = self.calls.abandon();
            let under_way: usize = under_way.iter().map(Vec::len).sum();
            tracing::error!(
                deliveries = self.pending.len() + under_way,
                "delivery to mailboxes panicked; its recipients will be leased again"
            );
            self.pending.clear();
        }
    }

    async fn work(&mut self) {
        loop {
            self.send();
            if self.closed && self.pending.is_empty() && self.calls.is_idle() {
                return;
            }
            tokio::select! {
                answer = self.calls.next() => match answer {
                    Ok((batch, response)) => self.answered(batch, response),
                    Err(interrupted) => self.interrupted(interrupted),
                },
                received = self.inbox.recv(), if !self.closed => match received {
                    Some(deliveries) => self.pending.extend(deliveries),
                    None => self.closed = true,
                },
            }
            // Everything else that has arrived joins the batch.
            while let Ok(deliveries) = self.inbox.try_recv() {
                self.pending.extend(deliveries);
            }
        }
    }

    fn send(&mut self) {
        while self.calls.has_room() && !self.pending.is_empty() {
            let rest = self.pending.split_off(batch_length(&self.pending));
            let mut batch = std::mem::replace(&mut self.pending, rest);
            batch.retain(|delivery| !delivery.lease.is_void());
            if batch.is_empty() {
                continue;
            }
            batch.iter_mut().for_each(LocalDelivery::send);
            self.calls.call(batch, |tag, batch| DeliverRequest {
                tag,
                deliveries: batch.iter().map(request).collect(),
            });
        }
    }

    /// Unanswered deliveries are sent again, or deferred.
    fn interrupted(&mut self, interrupted: Interrupted<Vec<LocalDelivery>>) {
        let Interrupted { calls, status } = interrupted;
        self.pending.extend(calls.into_iter().flatten());
        self.put_off_the_impatient(&status);
        tracing::warn!(
            code = %status.code(),
            reason = status.message(),
            waiting = self.pending.len(),
            "stream to mailbox-store ended"
        );
    }

    fn answered(&mut self, batch: Vec<LocalDelivery>, response: DeliverResponse) {
        match response.result {
            Some(deliver_response::Result::Delivered(delivered)) => {
                let again = results::settle(batch, &delivered.results, &self.finisher);
                self.pending.extend(again);
            }
            Some(deliver_response::Result::Failure(failure)) => {
                self.refused(batch, &Status::from(failure));
            }
            None => self.refused(batch, &Status::internal("an empty answer")),
        }
    }

    /// Handles an error for a batch: none of it was accepted, or that is unknown. mailbox-store may have lost
    /// the answer to its commit, or this process the answer of mailbox-store.
    fn refused(&mut self, batch: Vec<LocalDelivery>, status: &Status) {
        tracing::warn!(
            code = %status.code(),
            reason = status.message(),
            deliveries = batch.len(),
            "mailbox-store refused a batch"
        );
        let fault_is_ours = !matches!(
            status.code(),
            Code::InvalidArgument | Code::OutOfRange | Code::FailedPrecondition | Code::NotFound
        );
        if !fault_is_ours && batch.len() > 1 {
            let alone = batch.into_iter().map(|delivery| LocalDelivery {
                progress: Progress::Alone,
                ..delivery
            });
            return self.pending.extend(alone);
        }
        for delivery in batch {
            let failure = Failure::temporary("4.3.0", "The mailbox store is unavailable.");
            let fate = Fate::Failed(Failure {
                retry_in: fault_is_ours.then_some(PUT_OFF),
                unsettled: fault_is_ours && delivery.may_have_happened(),
                ..failure
            });
            self.finisher
                .finish(&delivery.work, vec![(delivery.lease, fate)]);
        }
    }

    fn put_off_the_impatient(&mut self, status: &Status) {
        let now = Instant::now();
        let (late, pending): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .map(|mut delivery| {
                delivery.failing_since.get_or_insert(now);
                delivery
            })
            .partition(|delivery| {
                delivery
                    .failing_since
                    .is_some_and(|since| now.duration_since(since) > RETRY_BUDGET)
            });
        self.pending = pending;
        if !late.is_empty() {
            // The end of a stream says nothing about any of them.
            self.refused(late, &Status::unavailable(status.message()));
        }
    }
}

/// Number of deliveries in the next batch; at least one.
fn batch_length(pending: &[LocalDelivery]) -> usize {
    let mut octets = 0;
    let fits = |delivery: &&LocalDelivery| {
        octets += delivery.work.message.prefix.len();
        !delivery.goes_alone() && octets <= PREFIXES
    };
    let fitting = pending.iter().take(BATCH).take_while(fits);
    fitting.count().max(1)
}

fn request(delivery: &LocalDelivery) -> Delivery {
    let message = &delivery.work.message;
    Delivery {
        recipient_id: delivery.lease.id(),
        body_id: message.body_id,
        user: delivery.user.to_string(),
        mailbox: if message.junk { JUNK } else { INBOX }.to_owned(),
        prefix: trace::prefix(
            &message.reverse_path,
            &delivery.lease.recipient().address,
            &message.prefix,
        ),
        // A message that was held or in quarantine is new to its user on release.
        received_at_ms: delivery.work.since_ms(),
    }
}
