//! The buckets of rates as this process sees them. A bucket leaks evenly, so the time at which it will be
//! empty describes it fully.

use std::collections::HashMap;
use std::time::Duration;

use rules::Rate;
use tokio::time::Instant;

/// Identifies a bucket in all processes.
pub(super) type Key = [u8; 16];

/// Maximum number of subjects counted at a time (I7). Further subjects within a period are not held to rates;
/// the limits of connections still apply.
const MOST: usize = 100_000;

/// Maximum number in one report; the limit of the queue.
const MOST_REPORTED: usize = 10_000;

/// How long the queue's answer about a bucket is fresh. Later, the next event asks for the counts of other
/// processes first.
const FRESH: Duration = Duration::from_millis(500);

/// The buckets of all subjects.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    buckets: HashMap<Key, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    empty_at: Instant,
    /// By how much one event fills it.
    cost: Duration,
    /// Accepted events not reported yet.
    unreported: u64,
    /// Time of the request whose answer described the bucket.
    heard: Option<Instant>,
}

impl Bucket {
    fn is_fresh(&self, now: Instant) -> bool {
        self.heard.is_some_and(|heard| now < heard + FRESH)
    }
}

/// What one bucket received since the last report; nothing, for a mere question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) key: Key,
    pub(super) cost: Duration,
    pub(super) events: u64,
}

impl Buckets {
    /// Accepts one event under all these rates, or under none.
    pub(super) fn admit<'r>(
        &mut self,
        rates: &[(&'r Rate, Key)],
        now: Instant,
    ) -> Result<(), &'r Rate> {
        self.has_room(rates, now)?;
        for (rate, key) in rates {
            self.fill(*key, cost(rate), now);
        }
        Ok(())
    }

    /// Whether one more event fits under all these rates, by the local counts.
    pub(super) fn has_room<'r>(
        &self,
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
        Ok(())
    }

    /// Questions about buckets without a fresh answer. Their unreported events come with the next report.
    pub(super) fn stale(&self, rates: &[(&Rate, Key)], now: Instant) -> Vec<Report> {
        let fresh = |key| self.buckets.get(key).is_some_and(|one| one.is_fresh(now));
        let stale = rates.iter().filter(|(_, key)| !fresh(key));
        stale
            .map(|(rate, key)| Report {
                key: *key,
                cost: cost(rate),
                events: 0,
            })
            .collect()
    }

    fn fill(&mut self, key: Key, cost: Duration, now: Instant) {
        let Some(bucket) = self.bucket(key, cost, now) else {
            metrics::counter!("postern_smtp_rates_uncounted_total").increment(1);
            return;
        };
        bucket.empty_at = bucket.empty_at.max(now) + cost;
        bucket.unreported += 1;
    }

    /// The bucket, created if missing; `None` if there are too many.
    fn bucket(&mut self, key: Key, cost: Duration, now: Instant) -> Option<&mut Bucket> {
        if self.buckets.len() >= MOST && !self.buckets.contains_key(&key) {
            self.drop_empty(now);
            if self.buckets.len() >= MOST {
                return None;
            }
        }
        Some(self.buckets.entry(key).or_insert(Bucket {
            empty_at: now,
            cost,
            unreported: 0,
            heard: None,
        }))
    }

    /// Takes the unreported events. They count as reported until they are taken back.
    pub(super) fn take_unreported(&mut self, now: Instant) -> Vec<Report> {
        self.drop_empty(now);
        let unreported = self
            .buckets
            .iter_mut()
            .filter(|(_, bucket)| bucket.unreported > 0);
        unreported
            .take(MOST_REPORTED)
            .map(|(key, bucket)| Report {
                key: *key,
                cost: bucket.cost,
                events: std::mem::take(&mut bucket.unreported),
            })
            .collect()
    }

    /// The report failed.
    pub(super) fn take_back(&mut self, reports: &[Report]) {
        for report in reports {
            if let Some(bucket) = self.buckets.get_mut(&report.key) {
                bucket.unreported += report.events;
            }
        }
    }

    /// Sets a bucket by the queue's answer to a call made at `asked`: with the events of all processes, the
    /// bucket is empty after `full_for`. Events accepted here since then are added. Answers may overtake each
    /// other: none lowers a bucket.
    pub(super) fn settle(&mut self, report: &Report, full_for: Duration, asked: Instant) {
        if let Some(bucket) = self.bucket(report.key, report.cost, asked) {
            let unreported = u32::try_from(bucket.unreported).unwrap_or(u32::MAX);
            let empty_at = asked + full_for + bucket.cost.saturating_mul(unreported);
            bucket.empty_at = bucket.empty_at.max(empty_at);
            bucket.heard = bucket.heard.max(Some(asked));
        }
    }

    fn drop_empty(&mut self, now: Instant) {
        self.buckets.retain(|_, bucket| {
            bucket.unreported > 0 || bucket.empty_at > now || bucket.is_fresh(now)
        });
    }
}

/// By how much one event fills a bucket of this rate.
fn cost(rate: &Rate) -> Duration {
    rate.period / rate.limit.max(1)
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
        let reports = buckets.take_unreported(now);
        assert_eq!(reports.len(), 1);
        assert_eq!((reports[0].events, reports[0].key), (3, KEY));
        assert_eq!(let_in(&mut buckets, &rate, 1, now), 1);
        // Together they have accepted eight, and one has come meanwhile.
        buckets.settle(&reports[0], rate.period / 10 * 8, now);
        assert_eq!(let_in(&mut buckets, &rate, 10, now), 1);
    }

    /// The queue's side of the reports.
    #[derive(Default)]
    struct Everywhere {
        empty_at: Option<Instant>,
    }

    impl Everywhere {
        fn tell(&mut self, buckets: &mut Buckets, reports: &[Report], now: Instant) {
            for report in reports {
                let filled: Duration = (0..report.events).map(|_| report.cost).sum();
                let empty_at = self.empty_at.unwrap_or(now).max(now) + filled;
                self.empty_at = Some(empty_at);
                buckets.settle(report, empty_at - now, now);
            }
        }
    }

    #[test]
    fn a_limit_holds_over_processes_that_see_a_subject_by_turns() {
        let rate = rate(10, 3600);
        let mut now = Instant::now();
        let mut everywhere = Everywhere::default();
        let mut processes = [Buckets::default(), Buckets::default(), Buckets::default()];
        let mut admitted = 0;
        for turn in 0..30 {
            let buckets = &mut processes[turn % 3];
            let rates = [(&rate, KEY)];
            let stale = buckets.stale(&rates, now);
            everywhere.tell(buckets, &stale, now);
            admitted += usize::from(buckets.admit(&rates, now).is_ok());
            // Each reports in time.
            let reports = buckets.take_unreported(now);
            everywhere.tell(buckets, &reports, now);
            now += FRESH;
        }
        assert_eq!(admitted, 10);
    }

    #[test]
    fn what_is_heard_holds_for_a_moment_and_is_asked_for_again() {
        let now = Instant::now();
        let rate = rate(10, 60);
        let rates = [(&rate, KEY)];
        let mut buckets = Buckets::default();
        let stale = buckets.stale(&rates, now);
        assert_eq!(stale.len(), 1, "nothing has been heard");
        assert_eq!(stale[0].events, 0);
        buckets.settle(&stale[0], Duration::ZERO, now);
        assert!(buckets.take_unreported(now).is_empty());
        assert_eq!(buckets.stale(&rates, now), []);
        assert_eq!(let_in(&mut buckets, &rate, 2, now), 2);
        assert_eq!(buckets.stale(&rates, now), []);
        let later = now + FRESH;
        let stale = buckets.stale(&rates, later);
        assert_eq!(stale[0].events, 0);
        // Unreported events stay, and are added to the answer.
        buckets.settle(&stale[0], rate.period / 10 * 7, later);
        assert_eq!(let_in(&mut buckets, &rate, 10, later), 1);
        assert_eq!(buckets.take_unreported(later)[0].events, 3);
    }

    #[test]
    fn an_answer_that_was_overtaken_takes_nothing_away() {
        let now = Instant::now();
        let rate = rate(10, 60);
        let mut buckets = Buckets::default();
        assert_eq!(let_in(&mut buckets, &rate, 3, now), 3);
        let reports = buckets.take_unreported(now);
        buckets.settle(&reports[0], rate.period / 10 * 9, now);
        buckets.settle(&reports[0], rate.period / 10 * 3, now);
        assert_eq!(let_in(&mut buckets, &rate, 10, now), 1);
    }

    #[test]
    fn a_report_that_failed_is_made_again() {
        let now = Instant::now();
        let rate = rate(10, 60);
        let mut buckets = Buckets::default();
        let_in(&mut buckets, &rate, 2, now);
        let reports = buckets.take_unreported(now);
        assert!(buckets.take_unreported(now).is_empty());
        buckets.take_back(&reports);
        assert_eq!(buckets.take_unreported(now), reports);
        // When everything is reported and empty, nothing is kept.
        buckets.take_unreported(now + rate.period);
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
