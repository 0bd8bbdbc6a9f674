//! The worker's stream from the queue: credits go up, leased recipients come down, leases are
//! renewed while work goes on (invariant I4).

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

/// A thousand recipients with long addresses fit many times over.
const MESSAGE_LIMIT: usize = 64 * 1024 * 1024;

/// Requests that may wait for the stream: credits are told together, so few are needed.
const BACKLOG: usize = 16;

/// Until the queue has said how long a lease lasts.
const ASSUMED_LEASE: Duration = Duration::from_secs(30);

/// How long what is under way may take once the process is to end.
const DRAIN: Duration = Duration::from_secs(15);

/// Times to wait before the stream is opened again.
const PAUSES_MS: [u64; 6] = [20, 50, 100, 250, 500, 1_000];

/// The same while the queue takes another for us.
const REFUSED_PAUSE: Duration = Duration::from_secs(2);

/// Leases for as long as the process lives.
pub(crate) struct Leaser {
    pub(crate) channel: Channel,
    /// Follows the queue's.
    pub(crate) clock: QueueClock,
    pub(crate) identity: Identity,
    pub(crate) leases: Arc<Leases>,
    pub(crate) router: Router,
    /// The process is ready while there is a stream.
    pub(crate) stream: Dependency,
    pub(crate) shutdown: CancellationToken,
}

impl Leaser {
    /// Leases until shutdown; then waits for what is under way, with a stream or without.
    pub(crate) async fn run(self) {
        tokio::select! {
            () = self.lease() => {}
            () = self.drain() => {}
        }
    }

    /// Opens the stream, again and again.
    ///
    /// Work that has begun goes on while there is no stream, and is renewed on the next one:
    /// a queue that was restarted still has our leases. Recipients for other servers that have not
    /// begun are left, for they may be another worker's by now; those for mailboxes are not, since
    /// nothing is delivered to a mailbox twice (I3).
    async fn lease(&self) {
        let mut failures = 0;
        loop {
            let session = LeaseSession::new();
            let Err(status) = self.follow(&session).await;
            if session.end() {
                failures = 0;
            }
            // The log has one line, however often it is tried.
            let worker = &self.identity.name;
            let reason = status.message();
            self.stream.absent(format!("as worker {worker}: {reason}"));
            let pause = pause(failures, &status);
            failures += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// The queue has taken us in.
    fn began(&self, session: &LeaseSession) {
        if session.begin() {
            tracing::info!(worker = self.identity.name, "leasing");
            self.stream.present();
        }
    }

    /// After shutdown, what has begun is finished; leases are renewed meanwhile, and those of what
    /// has not begun are given back.
    async fn drain(&self) {
        self.shutdown.cancelled().await;
        self.router.stop();
        if timeout(DRAIN, self.leases.idle()).await.is_err() {
            tracing::warn!(left = self.leases.len(), "not all deliveries ended in time");
        }
    }

    /// One stream, to its end.
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
                        // Beginning anew with each response, a busy worker would never renew.
                        let told = lease_time(&response);
                        if told != lease && !told.is_zero() {
                            lease = told;
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
                // With nothing held as well: a worker that says nothing may lose its name.
                _ = renewals.tick() => self.renew(&requests, self.leases.to_renew()).await?,
            }
        }
    }

    /// Leases begin anew, if there are any, and the queue hears of us.
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

    /// The credits that may be given: none once the process is to end.
    fn offer(&self, credits: u32) -> u32 {
        if self.shutdown.is_cancelled() {
            return 0;
        }
        credits
    }

    /// Everything in a response is routed at once, so that it is delivered in one batch. What comes
    /// in after shutdown is not begun, but goes back.
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
