//! Runs of the queue for a domain, at a peer's word (ETRN), and how many of them there may be: what is
//! asked again and again must not become work for the queue.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::grpc::{Channel, Status};
use api::queue::v1::queue_client::QueueClient;
use api::queue_run::{Started, Wanted, retry_now};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// So long a domain's run is not begun anew.
const PAUSE: Duration = Duration::from_secs(10);
/// Runs under way.
const AT_A_TIME: usize = 2;
/// Domains whose last run is remembered.
const KNOWN: usize = 1_000;
/// Pages of one run.
const PAGES: usize = 10;
/// Longest time for one run: a client does not wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// See the module.
pub(crate) struct QueueRuns {
    queue: QueueClient<Channel>,
    under_way: Semaphore,
    /// When the last run of a domain was begun.
    begun: Mutex<HashMap<Wanted, Instant>>,
}

/// What came of a wish for a run.
pub(crate) enum Run {
    Started(Started),
    /// There has been one just now.
    LatelyBegun,
    /// There are too many.
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

    /// Has what waits tried, unless that has been done just now.
    pub(crate) async fn run(&self, wanted: Wanted) -> Result<Run, Status> {
        let Ok(_permit) = self.under_way.try_acquire() else {
            return Ok(Run::Busy);
        };
        match self.begin(&wanted, Instant::now()) {
            Begun::Now => {}
            Begun::Lately => return Ok(Run::LatelyBegun),
            Begun::NoRoom => return Ok(Run::Busy),
        }
        let mut queue = self.queue.clone();
        let run = timeout(PATIENCE, retry_now(&mut queue, wanted.clone(), PAGES)).await;
        match run.unwrap_or_else(|_| Err(Status::deadline_exceeded("the queue is silent"))) {
            Ok(started) => Ok(Run::Started(started)),
            Err(status) => {
                // Nothing came of it: it may be asked for again.
                self.lock().remove(&wanted);
                Err(status)
            }
        }
    }

    fn begin(&self, wanted: &Wanted, now: Instant) -> Begun {
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

    fn lock(&self) -> MutexGuard<'_, HashMap<Wanted, Instant>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Begun {
    Now,
    Lately,
    NoRoom,
}
