//! The buckets of rates as this process sees them. Each leaks evenly, so all there is to know is
//! when it will be empty.

use std::collections::HashMap;
use std::time::Duration;

use rules::Rate;
use tokio::time::Instant;

/// Names a bucket in all processes.
pub(super) type Key = [u8; 16];

/// Subjects that are counted at a time (I7). Where more come within a period, those behind are not
/// held to rates: the limits of connections hold still.
const MOST: usize = 100_000;

/// In one report; the queue service takes so many.
const MOST_REPORTED: usize = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    buckets: HashMap<Key, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    empty_at: Instant,
    /// By how much one event fills it.
    cost: Duration,
    /// Events that were let in and not told of.
    untold: u64,
}

/// What one bucket took since the last report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) key: Key,
    pub(super) cost: Duration,
    pub(super) events: u64,
}

impl Buckets {
    /// Lets one event in under all these rates, or under none.
    pub(super) fn admit<'r>(
        &mut self,
        rates: &[(&'r Rate, Key)],
        now: Instant,
    ) -> Result<(), &'r Rate> {
        for (rate, key) in rates {
            if let Some(bucket) = self.buckets.get(key) {
                let full = bucket.empty_at.saturating_duration_since(now) + bucket.cost;
                // Costs are rounded down: a whole limit fits.
                if full > rate.period {
                    return Err(rate);
                }
            }
        }
        for (rate, key) in rates {
            self.fill(*key, rate.period / rate.limit.max(1), now);
        }
        Ok(())
    }

    fn fill(&mut self, key: Key, cost: Duration, now: Instant) {
        if self.buckets.len() >= MOST && !self.buckets.contains_key(&key) {
            self.drop_empty(now);
            if self.buckets.len() >= MOST {
                metrics::counter!("postern_smtp_rates_uncounted_total").increment(1);
                return;
            }
        }
        let bucket = self.buckets.entry(key).or_insert(Bucket {
            empty_at: now,
            cost,
            untold: 0,
        });
        bucket.empty_at = bucket.empty_at.max(now) + cost;
        bucket.untold += 1;
    }

    /// What is to be told. It counts as told until it is taken back.
    pub(super) fn take_untold(&mut self, now: Instant) -> Vec<Report> {
        self.drop_empty(now);
        let untold = self
            .buckets
            .iter_mut()
            .filter(|(_, bucket)| bucket.untold > 0);
        untold
            .take(MOST_REPORTED)
            .map(|(key, bucket)| Report {
                key: *key,
                cost: bucket.cost,
                events: std::mem::take(&mut bucket.untold),
            })
            .collect()
    }

    /// It could not be told.
    pub(super) fn take_back(&mut self, reports: &[Report]) {
        for report in reports {
            if let Some(bucket) = self.buckets.get_mut(&report.key) {
                bucket.untold += report.events;
            }
        }
    }

    /// What all processes together have let in is empty in so long; what came here meanwhile comes
    /// on top.
    pub(super) fn settle(&mut self, report: &Report, full_for: Duration, now: Instant) {
        if let Some(bucket) = self.buckets.get_mut(&report.key) {
            let untold = u32::try_from(bucket.untold).unwrap_or(u32::MAX);
            bucket.empty_at = now + full_for + bucket.cost.saturating_mul(untold);
        }
    }

    fn drop_empty(&mut self, now: Instant) {
        self.buckets
            .retain(|_, bucket| bucket.untold > 0 || bucket.empty_at > now);
    }
}

#[cfg(test)]
mod tests {
    use rules::{Counted, Per};

    use super::*;

    const KEY: Key = [1; 16];

    fn rate(limit: u32, seconds: u64) -> Rate {
        Rate {
            count: Counted::Messages,
            per: Per::Address,
            limit,
            period: Duration::from_secs(seconds),
        }
    }

    fn let_in(buckets: &mut Buckets, rate: &Rate, tries: usize, now: Instant) -> usize {
        (0..tries)
            .filter(|_| buckets.admit(&[(rate, KEY)], now).is_ok())
            .count()
    }

    #[test]
    fn a_limit_is_let_in_at_once_and_then_evenly() {
        let now = Instant::now();
        for (limit, seconds) in [(1, 1), (3, 10), (7, 60), (1_000, 3600)] {
            let rate = rate(limit, seconds);
            let mut buckets = Buckets::default();
            assert_eq!(let_in(&mut buckets, &rate, 2_000, now), limit as usize);
            let later = now + rate.period / limit;
            assert_eq!(let_in(&mut buckets, &rate, 10, later), 1);
            let much_later = later + rate.period;
            assert_eq!(
                let_in(&mut buckets, &rate, 2_000, much_later),
                limit as usize
            );
        }
    }

    #[test]
    fn what_one_rate_refuses_fills_no_other() {
        let now = Instant::now();
        let (wide, narrow) = (rate(10, 60), rate(1, 60));
        let mut buckets = Buckets::default();
        let both = [(&wide, [2; 16]), (&narrow, KEY)];
        assert_eq!(buckets.admit(&both, now), Ok(()));
        assert_eq!(buckets.admit(&both, now), Err(&narrow));
        for _ in 0..9 {
            assert_eq!(buckets.admit(&[(&wide, [2; 16])], now), Ok(()));
        }
        assert_eq!(buckets.admit(&[(&wide, [2; 16])], now), Err(&wide));
    }

    #[test]
    fn what_other_processes_let_in_counts_from_the_report_on() {
        let now = Instant::now();
        let rate = rate(10, 60);
        let mut buckets = Buckets::default();
        assert_eq!(let_in(&mut buckets, &rate, 3, now), 3);
        let reports = buckets.take_untold(now);
        assert_eq!(reports.len(), 1);
        assert_eq!((reports[0].events, reports[0].key), (3, KEY));
        assert_eq!(let_in(&mut buckets, &rate, 1, now), 1);
        // Together they have let in eight, and one has come meanwhile.
        buckets.settle(&reports[0], rate.period / 10 * 8, now);
        assert_eq!(let_in(&mut buckets, &rate, 10, now), 1);
    }

    #[test]
    fn a_report_that_failed_is_made_again() {
        let now = Instant::now();
        let rate = rate(10, 60);
        let mut buckets = Buckets::default();
        let_in(&mut buckets, &rate, 2, now);
        let reports = buckets.take_untold(now);
        assert!(buckets.take_untold(now).is_empty());
        buckets.take_back(&reports);
        assert_eq!(buckets.take_untold(now), reports);
        // When all is told and empty, nothing is kept.
        buckets.take_untold(now + rate.period);
        assert!(buckets.buckets.is_empty());
    }

    #[test]
    fn i7_subjects_beyond_the_limit_are_let_in_uncounted() {
        let now = Instant::now();
        let rate = rate(1, 60);
        let mut buckets = Buckets::default();
        for n in 0..MOST as u128 {
            buckets.admit(&[(&rate, n.to_be_bytes())], now).ok();
        }
        let another = [(&rate, u128::MAX.to_be_bytes())];
        assert_eq!(buckets.admit(&another, now), Ok(()));
        assert_eq!(buckets.admit(&another, now), Ok(()));
        assert_eq!(buckets.buckets.len(), MOST);
    }
}
