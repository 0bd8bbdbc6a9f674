//! The worker's stream from the queue: credits go up, leased recipients come down, and leases are renewed
//! while work goes on (I4).

mod identity;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use api::grpc::{Channel, Code, Status};
use api::queue::v1::{
    Drain, GiveBack, LeaseKey, LeaseRequest, LeaseResponse, Renewal, Worker, lease_request,
    queue_client::QueueClient,
};
use api::queue_clock::QueueClock;
use service_kit::Dependency;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

pub(crate) use identity::Identity;

use crate::leases::{LeaseSession, Leases, lease_key};
use crate::route::Router;

/// Room for many times a thousand recipients with long addresses.
const MESSAGE_LIMIT: usize = 64 * 1024 * 1024;

/// Requests that may wait for the stream. Credits are granted in sums, so few are needed.
const BACKLOG: usize = 16;

/// Assumed length of a lease until the queue has told it.
const ASSUMED_LEASE: Duration = Duration::from_secs(30);

/// How long running work may take after shutdown.
const DRAIN: Duration = Duration::from_secs(15);

/// Pauses before the stream is opened again.
const PAUSES_MS: [u64; 6] = [20, 50, 100, 250, 500, 1_000];

/// The pause while another worker has this name.
const REFUSED_PAUSE: Duration = Duration::from_secs(2);

/// Leases recipients for the life of the process.
pub(crate) struct Leaser {
    pub(crate) channel: Channel,
    /// Follows the queue's clock.
    pub(crate) clock: QueueClock,
    pub(crate) identity: Identity,
    pub(crate) leases: Arc<Leases>,
    pub(crate) router: Router,
    /// The process is ready while there is a stream.
    pub(crate) stream: Dependency,
    pub(crate) shutdown: CancellationToken,
}

impl Leaser {
    /// Leases until shutdown, then waits for running work, with or without a stream.
    pub(crate) async fn run(self) {
        tokio::select! {
            () = self.lease() => {}
            () = self.drain() => {}
        }
    }

    /// Opens the stream again and again.
    ///
    /// Started work goes on while there is no stream, and its leases are renewed on the next one: a restarted
    /// queue still has them. Recipients for other servers that were not started are dropped, since another
    /// worker may have them by now. Recipients for mailboxes are kept, since nothing is delivered to a
    /// mailbox twice (I3).
    async fn lease(&self) {
        let mut failures = 0;
        loop {
            let session = LeaseSession::new();
            let Err(status) = self.follow(&session).await;
            if session.end() {
                failures = 0;
            }
            // Logged once, however often the attempt is repeated.
            let worker = &self.identity.name;
            let reason = status.message();
            self.stream.absent(format!("as worker {worker}: {reason}"));
            let pause = pause(failures, &status);
            failures += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// The queue has admitted this worker.
    fn began(&self, session: &LeaseSession) {
        if session.begin() {
            tracing::info!(worker = self.identity.name, "leasing");
            self.stream.present();
        }
    }

    /// After shutdown: started work is finished and its leases are renewed; other leases are given back.
    async fn drain(&self) {
        self.shutdown.cancelled().await;
        self.router.stop();
        if timeout(DRAIN, self.leases.idle()).await.is_err() {
            tracing::warn!(left = self.leases.len(), "not all deliveries ended in time");
        }
    }

    /// Follows one stream to its end.
    async fn follow(&self, session: &Arc<LeaseSession>) -> Result<Infallible, Status> {
        let (requests, outbound) = mpsc::channel(BACKLOG);
        let hello = lease_request::Request::Hello(Worker {
            name: self.identity.name.clone(),
            instance: self.identity.instance.clone(),
            clock_ms: self.clock.own_ms(),
        });
        let credits = self.offer(self.leases.begin());
        send(&requests, hello).await?;
        self.renew(&requests, self.leases.all()).await?;
        send(&requests, lease_request::Request::Credits(credits)).await?;
        let mut responses = QueueClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_LIMIT)
            .lease(ReceiverStream::new(outbound))
            .await?
            .into_inner();
        let mut lease = ASSUMED_LEASE;
        let mut renewals = renewals(lease);
        let mut draining = false;
        loop {
            give_back(&requests, self.leases.take_left()).await?;
            tokio::select! {
                () = self.shutdown.cancelled(), if !draining => {
                    draining = true;
                    send(&requests, lease_request::Request::Drain(Drain {})).await?;
                }
                response = responses.message() => match response? {
                    Some(response) => {
                        self.clock.follow(response.now_ms);
                        self.began(session);
                        // Only on a change: a timer restarted at each response would never let a busy worker
                        // renew.
                        let announced = lease_time(&response);
                        if announced != lease && !announced.is_zero() {
                            lease = announced;
                            renewals = self::renewals(lease);
                        }
                        give_back(&requests, self.take(response, session)).await?;
                    }
                    None => return Err(Status::unavailable("the queue ended the stream")),
                },
                () = self.leases.changed() => {
                    let credits = self.offer(self.leases.take_credits());
                    if credits > 0 {
                        send(&requests, lease_request::Request::Credits(credits)).await?;
                    }
                }
                // Also without leases: a silent worker may lose its name.
                _ = renewals.tick() => self.renew(&requests, self.leases.to_renew()).await?,
            }
        }
    }

    /// Renews leases, if there are any; an empty renewal is a sign of life.
    async fn renew(
        &self,
        requests: &mpsc::Sender<LeaseRequest>,
        leases: Vec<LeaseKey>,
    ) -> Result<(), Status> {
        let renewal = Renewal {
            leases,
            clock_ms: self.clock.own_ms(),
        };
        send(requests, lease_request::Request::Renew(renewal)).await
    }

    /// The credits to grant: none once the process is to end.
    fn offer(&self, credits: u32) -> u32 {
        if self.shutdown.is_cancelled() {
            return 0;
        }
        credits
    }

    /// Routes everything in a response at once, so that it is delivered in one batch. Recipients that arrive
    /// after shutdown go back.
    fn take(&self, response: LeaseResponse, session: &Arc<LeaseSession>) -> Vec<LeaseKey> {
        if self.shutdown.is_cancelled() {
            let recipients = response.messages.iter().flat_map(|one| &one.recipients);
            return recipients.map(lease_key).collect();
        }
        let messages = response.messages.into_iter().map(|mut message| {
            let recipients = std::mem::take(&mut message.recipients);
            (message, self.leases.take(recipients))
        });
        self.router.route(messages.collect(), session);
        Vec::new()
    }
}

fn pause(failures: usize, status: &Status) -> Duration {
    if status.code() == Code::AlreadyExists {
        return REFUSED_PAUSE;
    }
    Duration::from_millis(PAUSES_MS[failures.min(PAUSES_MS.len() - 1)])
}

fn lease_time(response: &LeaseResponse) -> Duration {
    Duration::from_secs(response.lease_seconds.into())
}

/// Three times within a lease, so that one lost renewal does no harm.
fn renewals(lease: Duration) -> Interval {
    let period = (lease / 3).max(Duration::from_millis(100));
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn give_back(
    requests: &mpsc::Sender<LeaseRequest>,
    leases: Vec<LeaseKey>,
) -> Result<(), Status> {
    if leases.is_empty() {
        return Ok(());
    }
    send(
        requests,
        lease_request::Request::GiveBack(GiveBack { leases }),
    )
    .await
}

async fn send(
    requests: &mpsc::Sender<LeaseRequest>,
    request: lease_request::Request,
) -> Result<(), Status> {
    let request = LeaseRequest {
        request: Some(request),
    };
    let sent = requests.send(request).await;
    sent.map_err(|_| Status::unavailable("the stream to the queue ended"))
}
