//! Attempts over gateways not reported to the queue yet: the newest over each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::queue::v1::GatewayAttempt;
use tokio::time::Instant;

/// Maximum number of gateways in one request; the others come with the next.
const MAX: usize = 1_000;

/// The newest attempts, by name of the gateway.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<BTreeMap<Arc<str>, Result>>);

/// The result and time of an attempt.
#[derive(Debug)]
struct Result {
    at: Instant,
    /// Empty: the gateway works.
    failure: String,
}

/// An attempt in a request.
#[derive(Debug)]
pub(super) struct Attempt {
    gateway: Arc<str>,
    result: Result,
}

impl Attempts {
    /// Stores an attempt that has just ended.
    pub(super) fn note(&self, gateway: &Arc<str>, failure: Option<&str>) {
        let failure = failure.unwrap_or_default();
        let at = Instant::now();
        let mut attempts = self.lock();
        if let Some(result) = attempts.get_mut(gateway) {
            result.at = at;
            result.failure.clear();
            result.failure.push_str(failure);
            return;
        }
        let failure = failure.to_owned();
        attempts.insert(Arc::clone(gateway), Result { at, failure });
    }

    /// Takes the attempts for the next request.
    pub(super) fn take(&self) -> Vec<Attempt> {
        let mut attempts = self.lock();
        let mut taken = Vec::new();
        while taken.len() < MAX
            && let Some((gateway, result)) = attempts.pop_first()
        {
            taken.push(Attempt { gateway, result });
        }
        taken
    }

    /// Puts back attempts that were not accepted. Newer ones stay.
    pub(super) fn put_back(&self, attempts: Vec<Attempt>) {
        let mut newest = self.lock();
        for Attempt { gateway, result } in attempts {
            newest.entry(gateway).or_insert(result);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Result>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// The attempt for the queue. It carries its age, since the queue's clock differs from this machine's.
    pub(super) fn report(&self) -> GatewayAttempt {
        let age = self.result.at.elapsed().as_millis();
        GatewayAttempt {
            gateway: self.gateway.to_string(),
            failure: self.result.failure.clone(),
            age_ms: u64::try_from(age).unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(attempts: &[Attempt]) -> Vec<(String, String)> {
        let reports = attempts.iter().map(Attempt::report);
        reports.map(|one| (one.gateway, one.failure)).collect()
    }

    fn pair(gateway: &str, failure: &str) -> (String, String) {
        (gateway.to_owned(), failure.to_owned())
    }

    #[test]
    fn the_newest_attempt_over_each_gateway_is_reported_once() {
        let attempts = Attempts::default();
        attempts.note(&"isp".into(), Some("the login was refused"));
        attempts.note(&"isp".into(), None);
        attempts.note(&"other".into(), Some("no connection"));
        let expected = [pair("isp", ""), pair("other", "no connection")];
        assert_eq!(reported(&attempts.take()), expected);
        assert!(attempts.take().is_empty());
    }

    #[test]
    fn what_was_not_taken_is_reported_again_unless_there_is_newer() {
        let attempts = Attempts::default();
        attempts.note(&"isp".into(), Some("no connection"));
        attempts.note(&"other".into(), Some("no connection"));
        let refused = attempts.take();
        attempts.note(&"isp".into(), None);
        attempts.put_back(refused);
        let expected = [pair("isp", ""), pair("other", "no connection")];
        assert_eq!(reported(&attempts.take()), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_says_how_long_ago_the_attempt_was() {
        let attempts = Attempts::default();
        attempts.note(&"isp".into(), None);
        let taken = attempts.take();
        tokio::time::advance(std::time::Duration::from_millis(1_500)).await;
        assert_eq!(taken[0].report().age_ms, 1_500);
    }
}
