//! Rates and greylisting: how much each subject has sent, in this process and, within a second, in all of
//! them; and which senders have tried before. `rules` sets the limits.
//!
//! Fresh rates are answered from memory. Accepted events are reported to the queue twice a second; the answer
//! is the count of all front ends. For a subject that is new here, or unconfirmed for half a second, the
//! queue is asked first. Several front ends together therefore exceed a limit only by events of the same
//! second. While the queue does not answer, the local counts decide: without the queue no mail is accepted
//! anyway (I8).

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

/// Interval between two reports.
const PERIOD: Duration = Duration::from_millis(500);
/// How long an event waits for the queue's answer about its subject.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum number of events that wait so (I7); for others the local counts decide.
const MOST_ASKING: usize = 64;
/// Timeout of a call to the queue.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of senders remembered as passed.
const KNOWN: u64 = 100_000;
/// How long a sender is remembered as passed: the queue must see now and then which ones still come.
const BELIEVED: Duration = Duration::from_secs(3600);

/// Rates and greylisting. Clones share their state.
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

    /// Counts one event under all these rates. If one is used up, counts nothing and returns it.
    pub(crate) async fn admit<'r>(&self, rates: &[(&'r Rate, String)]) -> Result<(), &'r Rate> {
        if rates.is_empty() {
            return Ok(());
        }
        let rates: Vec<(&Rate, Key)> = rates
            .iter()
            .map(|(rate, subject)| (*rate, key("rate", subject)))
            .collect();
        // The counts of other front ends never make room.
        self.buckets().has_room(&rates, Instant::now())?;
        self.refresh(&rates).await;
        self.buckets().admit(&rates, Instant::now())
    }

    /// Asks for the counts of all front ends under these rates, unless they are fresh.
    async fn refresh(&self, rates: &[(&Rate, Key)]) {
        let Ok(_permit) = self.asking.try_acquire() else {
            return;
        };
        let stale = self.buckets().stale(rates, Instant::now());
        if !stale.is_empty() {
            self.tell(&stale, ASK_TIMEOUT).await;
        }
    }

    /// How long a sender has to wait, if at all.
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
        let answer = tokio::time::timeout(CALL_TIMEOUT, service.greylist(request))
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
        let reports = self.buckets().take_unreported(Instant::now());
        if !reports.is_empty() {
            self.tell(&reports, CALL_TIMEOUT).await;
        }
    }

    /// Reports accepted events and learns the counts of all front ends. A failed report is repeated with the
    /// next one.
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

/// A hash, so that the queue's tables do not show the subject.
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
        // Everything is still to be reported.
        throttle.report().await;
        let unreported = throttle.buckets().take_unreported(Instant::now());
        assert_eq!(unreported.iter().map(|one| one.events).sum::<u64>(), 2);
    }
}
