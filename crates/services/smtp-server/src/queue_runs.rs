//! Queue runs for a domain, requested by a peer (ETRN), and their limits: repeated requests must not become
//! work for the queue.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::actor::v1::Actor;
use api::grpc::{Channel, Status};
use api::queue::v1::queue_client::QueueClient;
use api::queue_run::{RetryTarget, Started, retry_now};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// A domain's run is not repeated within this time.
const PAUSE: Duration = Duration::from_secs(10);
/// Maximum number of runs at a time.
const AT_A_TIME: usize = 2;
/// Maximum number of domains whose last run is remembered.
const KNOWN: usize = 1_000;
/// Maximum number of pages in one run.
const PAGES: usize = 10;
/// Longest time of one run, since a client waits for it.
const RUN_TIMEOUT: Duration = Duration::from_secs(20);

/// Limits of the queue runs.
pub(crate) struct QueueRuns {
    queue: QueueClient<Channel>,
    under_way: Semaphore,
    /// When the last run of each domain was begun.
    begun: Mutex<HashMap<RetryTarget, Instant>>,
}

/// The result of a request for a run.
pub(crate) enum Run {
    Started(Started),
    /// A run was begun a moment ago.
    LatelyBegun,
    /// Too many runs.
    Busy,
}

impl QueueRuns {
    pub(crate) fn new(queue: Channel) -> Self {
        Self {
            queue: QueueClient::new(queue),
            under_way: Semaphore::new(AT_A_TIME),
            begun: Mutex::default(),
        }
    }

    /// Runs the queue for a domain, unless that was done a moment ago.
    pub(crate) async fn run(&self, actor: Actor, wanted: RetryTarget) -> Result<Run, Status> {
        let Ok(_permit) = self.under_way.try_acquire() else {
            return Ok(Run::Busy);
        };
        match self.begin(&wanted, Instant::now()) {
            Begun::Now => {}
            Begun::Lately => return Ok(Run::LatelyBegun),
            Begun::NoRoom => return Ok(Run::Busy),
        }
        let mut queue = self.queue.clone();
        let run = retry_now(&mut queue, Some(actor), wanted.clone(), PAGES);
        let late = || Status::deadline_exceeded("the queue did not answer in time");
        let run = timeout(RUN_TIMEOUT, run).await;
        match run.unwrap_or_else(|_| Err(late())) {
            Ok(started) => Ok(Run::Started(started)),
            Err(status) => {
                // The run failed: it may be requested again at once.
                self.lock().remove(&wanted);
                Err(status)
            }
        }
    }

    fn begin(&self, wanted: &RetryTarget, now: Instant) -> Begun {
        let mut begun = self.lock();
        begun.retain(|_, since| now.duration_since(*since) < PAUSE);
        if begun.contains_key(wanted) {
            return Begun::Lately;
        }
        if begun.len() >= KNOWN {
            return Begun::NoRoom;
        }
        begun.insert(wanted.clone(), now);
        Begun::Now
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RetryTarget, Instant>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Begun {
    Now,
    Lately,
    NoRoom,
}
