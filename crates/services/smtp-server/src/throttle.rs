//! How much has come from whom, in this process and, a second later, in all of them; and who has
//! been here before. What the limits are is `rules`' to say.
//!
//! Rates are answered from memory, so that they cost a message nothing: what is let in here is
//! reported to the queue service once a second, which answers with what all front ends have let
//! in. Between two reports each of them may let in a limit of its own. While the queue service is
//! away no mail is taken at all (I8).

mod buckets;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::grpc::{Channel, Status};
use api::throttle::v1::throttle_client::ThrottleClient;
use api::throttle::v1::{CountRequest, Counted, GreylistRequest};
use moka::sync::Cache;
use rules::{Greylisting, Rate};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use buckets::{Buckets, Key, Report};

/// Between two reports.
const PERIOD: Duration = Duration::from_secs(1);
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
    known: Cache<Key, ()>,
}

impl Throttle {
    /// Reports over `queue` until `shutdown`.
    pub(crate) fn start(queue: Channel, shutdown: CancellationToken) -> Self {
        let throttle = Self {
            service: ThrottleClient::new(queue),
            buckets: Arc::default(),
            known: Cache::builder()
                .max_capacity(KNOWN)
                .time_to_live(BELIEVED)
                .build(),
        };
        let reporting = throttle.clone();
        tokio::spawn(shutdown.run_until_cancelled_owned(async move {
            loop {
                tokio::time::sleep(PERIOD).await;
                reporting.report().await;
            }
        }));
        throttle
    }

    /// Counts one event under all these rates, or under none and tells which is used up.
    pub(crate) fn admit<'r>(&self, rates: &[(&'r Rate, String)]) -> Result<(), &'r Rate> {
        if rates.is_empty() {
            return Ok(());
        }
        let rates: Vec<(&Rate, Key)> = rates
            .iter()
            .map(|(rate, subject)| (*rate, key("rate", subject)))
            .collect();
        self.buckets().admit(&rates, Instant::now())
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

    /// One report. What could not be told is told with the next.
    async fn report(&self) {
        let reports = self.buckets().take_untold(Instant::now());
        if reports.is_empty() {
            return;
        }
        let request = CountRequest {
            counted: reports.iter().map(counted).collect(),
        };
        let mut service = self.service.clone();
        let answer = tokio::time::timeout(PATIENCE, service.count(request)).await;
        let full_for = match answer {
            Ok(Ok(answer)) => answer.into_inner().full_for_us,
            Ok(Err(_)) | Err(_) => {
                self.buckets().take_back(&reports);
                return;
            }
        };
        let now = Instant::now();
        let mut buckets = self.buckets();
        for (report, full_for) in reports.iter().zip(full_for) {
            buckets.settle(report, Duration::from_micros(full_for), now);
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
