//! Delivery to mailboxes: everything that waits goes to mailbox-store in one call, and what comes
//! in meanwhile in the next. One task for all of it, or one for each replica of mailbox-store: a message
//! costs no task of its own.

mod delivery;
mod results;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::grpc::{Channel, Code, Connection, Status, Streaming};
use api::mailbox::v1::{
    DeliverRequest, DeliverResponse, Delivery, deliver_response,
    mailbox_store_client::MailboxStoreClient,
};
use futures::FutureExt as _;
use message::trace;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use crate::fate::{Failure, Fate};
use crate::finish::Finisher;
use delivery::{PUT_OFF, Progress};

pub(crate) use delivery::LocalDelivery;

/// Deliveries in one call: one transaction at mailbox-store.
const BATCH: usize = 500;
/// Octets of the prefixes of their messages: half of what a call holds.
const PREFIXES: usize = MESSAGE_LIMIT / 2;
/// Replicas of mailbox-store to which a process delivers at a time.
const STREAMS: usize = 8;
/// Calls under way: while one is committed the next is read.
const CALLS: usize = 2;
/// Larger than the answer to any batch.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
/// How long mailbox-store may be away before its recipients go back to the queue, so that they
/// do not use up the credits of all others.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where suspicious mail goes; a user who has no such mailbox finds it in the INBOX.
const JUNK: &str = "Junk";
/// As mailbox-store understands it.
const INBOX: &str = "";
const PAUSES_MS: [u64; 5] = [20, 50, 100, 250, 500];

/// A handle to the tasks that deliver to mailboxes. They end when it is dropped and everything is
/// delivered.
pub(crate) struct Local {
    channel: Channel,
    finisher: Arc<Finisher>,
    deliverers: Mutex<Deliverers>,
}

#[derive(Default)]
struct Deliverers {
    // Not bounded here: the credits bound what is leased.
    inboxes: Vec<mpsc::UnboundedSender<Vec<LocalDelivery>>>,
    next: usize,
}

impl Local {
    /// Delivers over `channel`, which leads to mailbox-store.
    pub(crate) fn start(channel: Channel, finisher: Arc<Finisher>) -> Self {
        Self {
            channel,
            finisher,
            deliverers: Mutex::default(),
        }
    }

    /// Each replica gets its turn.
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
        // It only fails when the process ends; then the leases lapse.
        let _ = deliverers.inboxes[deliverers.next].send(deliveries);
    }
}

struct Deliverer {
    channel: Channel,
    /// Among those of the process: says to which replica it delivers.
    number: usize,
    finisher: Arc<Finisher>,
    inbox: mpsc::UnboundedReceiver<Vec<LocalDelivery>>,
    pending: Vec<LocalDelivery>,
    under_way: HashMap<u64, Vec<LocalDelivery>>,
    next_tag: u64,
    /// Since the process started: a stream that has answered something was a good one.
    answers: u64,
    closed: bool,
}

impl Deliverer {
    fn new(
        channel: Channel,
        number: usize,
        finisher: Arc<Finisher>,
        inbox: mpsc::UnboundedReceiver<Vec<LocalDelivery>>,
    ) -> Self {
        Self {
            channel,
            number,
            finisher,
            inbox,
            pending: Vec::new(),
            under_way: HashMap::new(),
            next_tag: 0,
            answers: 0,
            closed: false,
        }
    }

    /// Delivers until there will be nothing more. A panic costs what is at hand: who knows which delivery it was.
    async fn run(mut self) {
        while AssertUnwindSafe(self.work()).catch_unwind().await.is_err() {
            tracing::error!(
                deliveries = self.pending.len() + self.under_way.len(),
                "delivery to mailboxes panicked; its recipients are left to be leased anew"
            );
            self.pending.clear();
            self.under_way.clear();
        }
    }

    /// Opens the stream when there is something to deliver, and again after it broke.
    async fn work(&mut self) {
        let mut failures: usize = 0;
        loop {
            if self.pending.is_empty() && !self.receive().await {
                return;
            }
            let before = self.answers;
            if let Err(status) = self.stream().await {
                let interrupted = self.under_way.drain().flat_map(|(_, batch)| batch);
                self.pending.extend(interrupted);
                self.put_off_the_impatient(&status);
                failures = if self.answers > before {
                    0
                } else {
                    failures + 1
                };
                tracing::warn!(
                    code = %status.code(),
                    reason = status.message(),
                    waiting = self.pending.len(),
                    "stream to mailbox-store ended"
                );
                let pause = PAUSES_MS[failures.min(PAUSES_MS.len() - 1)];
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        }
    }

    /// Waits for deliveries; false when there will be none.
    async fn receive(&mut self) -> bool {
        match self.inbox.recv().await {
            Some(deliveries) => {
                self.pending.extend(deliveries);
                true
            }
            None => false,
        }
    }

    /// The connection over which this one delivers.
    fn connection(&self) -> Option<Connection> {
        let mut connections = self.channel.connections();
        connections.sort_by_key(Connection::number);
        let index = self.number.checked_rem(connections.len())?;
        Some(connections.swap_remove(index))
    }

    /// One stream. `Ok` when nothing is left to do, or it goes on over another connection.
    async fn stream(&mut self) -> Result<(), Status> {
        let mut changes = self.channel.changes();
        self.channel.connected().await?;
        let connection = self
            .connection()
            .ok_or_else(|| Status::unavailable("the connection was lost at once"))?;
        let (requests, outbound) = mpsc::channel(CALLS);
        // Along with the opening of the stream: there is room for all calls.
        self.send(&requests).await?;
        let mut responses = MailboxStoreClient::new(connection.clone())
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT)
            .deliver(ReceiverStream::new(outbound))
            .await?
            .into_inner();
        loop {
            let own = self.connection();
            if own.is_some_and(|own| own.number() != connection.number()) {
                // Replicas have come or gone, or this connection has its age.
                if self.under_way.is_empty() {
                    return Ok(());
                }
            } else {
                self.send(&requests).await?;
            }
            if self.closed && self.under_way.is_empty() && self.pending.is_empty() {
                return Ok(());
            }
            tokio::select! {
                response = answer(&mut responses) => self.answered(response?),
                received = self.inbox.recv(), if !self.closed => match received {
                    Some(deliveries) => self.pending.extend(deliveries),
                    None => self.closed = true,
                },
                _ = changes.changed() => {}
            }
            // Whatever else has come in goes along.
            while let Ok(deliveries) = self.inbox.try_recv() {
                self.pending.extend(deliveries);
            }
        }
    }

    async fn send(&mut self, requests: &mpsc::Sender<DeliverRequest>) -> Result<(), Status> {
        while self.under_way.len() < CALLS && !self.pending.is_empty() {
            let rest = self.pending.split_off(batch_length(&self.pending));
            let mut batch = std::mem::replace(&mut self.pending, rest);
            batch.retain(|delivery| !delivery.lease.is_void());
            if batch.is_empty() {
                continue;
            }
            let tag = self.next_tag;
            self.next_tag += 1;
            batch.iter_mut().for_each(LocalDelivery::send);
            let batch = self.under_way.entry(tag).or_insert(batch);
            let request = DeliverRequest {
                tag,
                deliveries: batch.iter().map(request).collect(),
            };
            let sent = requests.send(request).await;
            sent.map_err(|_| Status::unavailable("the stream to mailbox-store ended"))?;
        }
        Ok(())
    }

    fn answered(&mut self, response: DeliverResponse) {
        self.answers += 1;
        let Some(batch) = self.under_way.remove(&response.tag) else {
            return;
        };
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

    /// None of a batch was taken; or it is not known, when the fault is ours: mailbox-store may have lost
    /// the answer to its commit, as we may have lost its.
    fn refused(&mut self, batch: Vec<LocalDelivery>, status: &Status) {
        tracing::warn!(
            code = %status.code(),
            reason = status.message(),
            deliveries = batch.len(),
            "mailbox-store did not take a batch"
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
            let failure = Failure::temporary("4.3.0", "The mailbox store cannot take mail now.");
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
                    .is_some_and(|since| now.duration_since(since) > PATIENCE)
            });
        self.pending = pending;
        if !late.is_empty() {
            // The end of a stream is no word on any of them.
            self.refused(late, &Status::unavailable(status.message()));
        }
    }
}

/// How many deliveries make the next batch: one at least.
fn batch_length(pending: &[LocalDelivery]) -> usize {
    let mut octets = 0;
    let fits = |delivery: &&LocalDelivery| {
        octets += delivery.work.message.prefix.len();
        !delivery.goes_alone() && octets <= PREFIXES
    };
    let fitting = pending.iter().take(BATCH).take_while(fits);
    fitting.count().max(1)
}

async fn answer(responses: &mut Streaming<DeliverResponse>) -> Result<DeliverResponse, Status> {
    match responses.message().await? {
        Some(response) => Ok(response),
        None => Err(Status::unavailable("mailbox-store ended the stream")),
    }
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
        // What was held, or in quarantine, is seen among what comes now.
        received_at_ms: delivery.work.since_ms(),
    }
}
