//! How much has come from whom, in this process and, a second later, in all of them; and who has
//! been here before. What the limits are is `rules`' to say.
//!
//! Rates are answered from memory as long as it is fresh: what is let in here is reported to the queue
//! service twice a second, which answers with what all front ends have let in. Of a subject that is new
//! here, or was not heard of for half a second, it is asked first. So several front ends let in more than
//! one limit only of what comes to them within the same second. While the queue service does not answer,
//! what is known here decides: without it no mail is taken anyway (I8).

mod buckets;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::grpc::{Channel, Status};
use api::throttle::v1::throttle_client::ThrottleClient;
use api::throttle::v1::{CountRequest, Counted, GreylistRequest};
use moka::sync::Cache;
use rules::{Greylisting, Rate};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use buckets::{Buckets, Key, Report};

/// Between two reports.
const PERIOD: Duration = Duration::from_millis(500);
/// How long an event waits for what the queue service says of its subject.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);
/// Events that wait for that at a time (I7); for others what is known here decides.
const MOST_ASKING: usize = 64;
/// Longest silence of the queue service.
const PATIENCE: Duration = Duration::from_secs(10);
/// Visitors that are known to be let in.
const KNOWN: u64 = 100_000;
/// How long that is believed: the queue service is to see now and then who still comes.
const BELIEVED: Duration = Duration::from_secs(3600);

/// See the module. Clones share what is known.
#[derive(Clone)]
pub(crate) struct Throttle {
    service: ThrottleClient<Channel>,
    buckets: Arc<Mutex<Buckets>>,
    asking: Arc<Semaphore>,
    known: Cache<Key, ()>,
}

impl Throttle {
    /// Reports over `queue` until `shutdown`.
    pub(crate) fn start(queue: Channel, shutdown: CancellationToken) -> Self {
        let throttle = Self::new(queue);
        let reporting = throttle.clone();
        tokio::spawn(shutdown.run_until_cancelled_owned(async move {
            loop {
                tokio::time::sleep(PERIOD).await;
                reporting.report().await;
            }
        }));
        throttle
    }

    fn new(queue: Channel) -> Self {
        Self {
            service: ThrottleClient::new(queue),
            buckets: Arc::default(),
            asking: Arc::new(Semaphore::new(MOST_ASKING)),
            known: Cache::builder()
                .max_capacity(KNOWN)
                .time_to_live(BELIEVED)
                .build(),
        }
    }

    /// Counts one event under all these rates, or under none and tells which is used up.
    pub(crate) async fn admit<'r>(&self, rates: &[(&'r Rate, String)]) -> Result<(), &'r Rate> {
        if rates.is_empty() {
            return Ok(());
        }
        let rates: Vec<(&Rate, Key)> = rates
            .iter()
            .map(|(rate, subject)| (*rate, key("rate", subject)))
            .collect();
        // What others let in makes no room.
        self.buckets().has_room(&rates, Instant::now())?;
        self.refresh(&rates).await;
        self.buckets().admit(&rates, Instant::now())
    }

    /// Asks what other front ends have let in under these rates, where that was not heard of lately.
    async fn refresh(&self, rates: &[(&Rate, Key)]) {
        let Ok(_permit) = self.asking.try_acquire() else {
            return;
        };
        let stale = self.buckets().stale(rates, Instant::now());
        if !stale.is_empty() {
            self.tell(&stale, ASK_TIMEOUT).await;
        }
    }

    /// How long a visitor has to wait, if at all.
    pub(crate) async fn wait(
        &self,
        terms: Greylisting,
        visit: &str,
    ) -> Result<Option<Duration>, Status> {
        let key = key("visit", visit);
        if self.known.contains_key(&key) {
            return Ok(None);
        }
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let request = GreylistRequest {
            key: key.to_vec().into(),
            delay_ms: milliseconds(terms.delay),
            retry_within_ms: milliseconds(terms.retry_within),
            remember_ms: milliseconds(terms.remember),
        };
        let mut service = self.service.clone();
        let answer = tokio::time::timeout(PATIENCE, service.greylist(request))
            .await
            .map_err(|_| Status::deadline_exceeded("the queue does not answer"))??;
        match answer.into_inner().wait_ms {
            0 => {
                self.known.insert(key, ());
                Ok(None)
            }
            wait => Ok(Some(Duration::from_millis(wait))),
        }
    }

    async fn report(&self) {
        let reports = self.buckets().take_untold(Instant::now());
        if !reports.is_empty() {
            self.tell(&reports, PATIENCE).await;
        }
    }

    /// Tells what was let in here, and learns what all have let in. What could not be told is told with the
    /// next report.
    async fn tell(&self, reports: &[Report], timeout: Duration) {
        let request = CountRequest {
            counted: reports.iter().map(counted).collect(),
        };
        let mut service = self.service.clone();
        let asked = Instant::now();
        let answer = tokio::time::timeout(timeout, service.count(request)).await;
        let mut buckets = self.buckets();
        let Ok(Ok(answer)) = answer else {
            return buckets.take_back(reports);
        };
        for (report, full_for) in reports.iter().zip(answer.into_inner().full_for_us) {
            buckets.settle(report, Duration::from_micros(full_for), asked);
        }
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn counted(report: &Report) -> Counted {
    Counted {
        key: report.key.to_vec().into(),
        cost_us: u64::try_from(report.cost.as_micros()).unwrap_or(u64::MAX),
        events: report.events,
    }
}

/// Who it was cannot be read off the service's tables.
fn key(kind: &str, subject: &str) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes());
    hasher.update(&[0]);
    hasher.update(subject.as_bytes());
    let mut key = Key::default();
    hasher.finalize_xof().fill(&mut key);
    key
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rules::{Counted, Per};

    use super::*;

    #[tokio::test]
    async fn while_the_queue_does_not_answer_what_is_known_decides() {
        let throttle = Throttle::new(Channel::to_nowhere());
        let rate = Rate {
            count: Counted::Messages,
            per: Per::Address,
            limit: 2,
            period: Duration::from_secs(3600),
        };
        let rates = [(&rate, "192.0.2.1".to_owned())];
        for _ in 0..2 {
            assert_eq!(throttle.admit(&rates).await, Ok(()));
        }
        assert_eq!(throttle.admit(&rates).await, Err(&rate));
        // All of it is still to be told.
        throttle.report().await;
        let untold = throttle.buckets().take_untold(Instant::now());
        assert_eq!(untold.iter().map(|one| one.events).sum::<u64>(), 2);
    }
}
