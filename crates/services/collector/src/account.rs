//! One account: claim, poll, report, wait, repeat.

use std::sync::Arc;
use std::time::Duration;

use policy_watch::PolicyWatch;
use rules::CollectAccount;
use tokio_util::sync::CancellationToken;

use crate::memory::Memory;
use crate::poll::{Poll, PollResult};
use crate::services::Services;

/// Pause before a queue that does not answer is asked again.
const QUEUE_AWAY: Duration = Duration::from_secs(5);

/// Longest interval between polls of a failing account, unless the policy asks for a longer one. Failing
/// accounts are polled less and less often: repeated logins with a wrong password get an account locked.
const LONGEST_BACKOFF: Duration = Duration::from_secs(3600);

/// How long the current message may take after a poll's time is over. Then the poll is aborted.
const LAST_MESSAGE: Duration = Duration::from_secs(1800);

/// The same when the process stops: a drain does not wait longer.
const LAST_MESSAGE_AT_STOP: Duration = Duration::from_secs(10);

/// Pause before another try, if another collector has the account: short enough to take over from it.
const SHORTEST_WAIT: Duration = Duration::from_millis(200);

/// When an account is polled first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstPoll {
    /// When it is due: a collector that is restarted often does not poll more often.
    WhenDue,
    /// At once: its settings have changed, and the administrator wants to see the effect.
    AtOnce,
}

/// Polls the account until `stop`.
pub(crate) async fn follow(
    account: Arc<CollectAccount>,
    first: FirstPoll,
    services: Arc<Services>,
    policy: PolicyWatch,
    stop: CancellationToken,
) {
    let mut memory = Memory::default();
    let mut failures = 0;
    // Work was left over, or the account has changed: continue at once, unless another collector has it.
    let mut go_on = first == FirstPoll::AtOnce;
    while !stop.is_cancelled() {
        let interval = if go_on { Duration::ZERO } else { account.every };
        let wait = match services.claim(&account.name, interval).await {
            Ok(claim) if claim.granted => {
                let poll = Poll::new(&account, &services, &policy, &mut memory, &stop);
                let polled = tokio::select! {
                    polled = bounded(poll.run(), services.poll_time(), &stop) => polled,
                    never = services.keep_claim(&account.name) => match never {},
                };
                if stop.is_cancelled() {
                    // The aborted poll was not caused by the message being read.
                    memory.reading = None;
                }
                memory.unreported = !report(&account, &services, &polled).await;
                go_on = polled.more;
                // Lack of space is not the account's failure: it is polled again at its usual time.
                let room = services.no_room(&policy).is_none();
                failures = match polled.failed() && polled.asked_server && room {
                    true => failures + 1,
                    false => 0,
                };
                pause(account.every, failures)
            }
            Ok(claim) => {
                go_on = false;
                let asked = Duration::from_millis(claim.retry_in_ms.try_into().unwrap_or(0));
                asked.clamp(SHORTEST_WAIT, account.every.max(SHORTEST_WAIT))
            }
            Err(error) => {
                tracing::warn!(account = %account.name, %error, "the queue does not answer");
                QUEUE_AWAY
            }
        };
        stop.run_until_cancelled(tokio::time::sleep(wait)).await;
    }
}

/// Limits a poll's time: a server that sends without end must delay neither the account's next poll nor a
/// change of the policy. The end of the connection cancels pending DELEs, so aborting loses nothing.
async fn bounded(
    poll: impl Future<Output = PollResult>,
    time: Duration,
    stop: &CancellationToken,
) -> PollResult {
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_MESSAGE_AT_STOP).await;
    };
    tokio::select! {
        biased;
        polled = poll => polled,
        () = stopped => PollResult::broken_off("the poll was stopped before its server had finished"),
        () = tokio::time::sleep(time + LAST_MESSAGE) => PollResult::broken_off("the server took too long"),
    }
}

/// The queue decides when an account is due; this pause is for failures only.
fn pause(every: Duration, failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        failures => {
            let longer = every.saturating_mul(1 << failures.min(16).saturating_sub(1));
            longer.min(LONGEST_BACKOFF).max(every)
        }
    }
}

/// Reports the result of the poll. False if the queue did not receive it.
async fn report(account: &CollectAccount, services: &Services, polled: &PollResult) -> bool {
    let error = polled.error();
    if error.is_empty() {
        tracing::info!(
            account = %account.name,
            collected = polled.collected,
            left = polled.left,
            "polled"
        );
    } else {
        tracing::warn!(account = %account.name, collected = polled.collected, %error, "polled");
    }
    count(account, polled);
    let reported = services.report(&account.name, polled).await;
    if let Err(error) = &reported {
        // The claim expires.
        tracing::warn!(account = %account.name, %error, "the poll was not reported");
    }
    reported.is_ok()
}

fn count(account: &CollectAccount, polled: &PollResult) {
    let label = || account.name.to_string();
    metrics::counter!("postern_collected_total", "account" => label())
        .increment(polled.collected.into());
    metrics::counter!("postern_collect_failures_total", "account" => label())
        .increment(polled.failed().into());
    if !polled.failed() {
        let now = api::clock::now_ms() as f64 / 1000.0;
        metrics::gauge!("postern_collect_last_success_timestamp_seconds", "account" => label())
            .set(now);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_poll_that_does_not_end_is_broken_off() {
        let minute = Duration::from_secs(60);
        let began = Instant::now();
        let stop = CancellationToken::new();
        let polled = bounded(std::future::pending(), minute, &stop).await;
        assert!(polled.error().contains("too long"));
        assert_eq!(began.elapsed(), minute + LAST_MESSAGE);

        stop.cancel();
        let began = Instant::now();
        let polled = bounded(std::future::pending(), minute, &stop).await;
        assert!(polled.failed());
        assert_eq!(began.elapsed(), LAST_MESSAGE_AT_STOP);
    }

    #[test]
    fn failures_are_waited_for_longer_and_longer_up_to_an_hour() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        for (every, failures, wait) in [
            (5, 0, 0),
            (5, 1, 5),
            (5, 2, 10),
            (5, 4, 40),
            (5, 5, 60),
            (5, 1000, 60),
            (120, 1, 120),
            (120, 9, 120),
        ] {
            assert_eq!(pause(minutes(every), failures), minutes(wait));
        }
    }
}
