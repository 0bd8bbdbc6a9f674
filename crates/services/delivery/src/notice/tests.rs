//! Notices, and failures for which no notice can be written.

#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use api::queue::v1::Completion;

use super::*;
use crate::fixture;
use crate::leases::Leases;

/// Recipients that failed with an explanation of this length, of a lost message.
fn failed(recipients: std::ops::Range<i64>, explanation: usize) -> Vec<ReportedRecipient> {
    let leases = Leases::new(1_000);
    let reported = recipients.map(|id| {
        let failure = Failure::permanent("5.0.0", "x".repeat(explanation));
        ReportedRecipient {
            ended: fixture::lease(&leases, id, 1).complete(Completion {
                reason: "5.0.0 no".to_owned(),
                ..Completion::default()
            }),
            fate: Fate::Failed(failure),
            made: Vec::new(),
        }
    });
    reported.collect()
}

async fn tell(reported: Vec<ReportedRecipient>) -> Vec<OutcomeGroup> {
    let notices = Notices {
        queue: fixture::nowhere(),
        hostname: "mail.example.test".to_owned(),
    };
    let work = fixture::work();
    let now_ms = lifetime_end(&work) + GRACE_MS;
    notices.tell(&work, Action::Failed, reported, now_ms).await
}

#[tokio::test(start_paused = true)]
async fn notices_have_no_more_than_travels_inline_and_leave_nobody_out() {
    let groups = tell(failed(0..50, 20_000)).await;
    let mut ids: Vec<i64> = Vec::new();
    for group in &groups {
        let (_, made) = group.parts();
        let [notice] = made else {
            panic!("one notice: {made:?}");
        };
        let content = notice.submission.as_ref().unwrap().content.as_ref();
        assert!(content.unwrap().text_size <= INLINE_LIMIT as u64);
        ids.extend(&notice.recipient_ids);
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn recipients_that_fail_together_are_told_of_in_one_notice() {
    let groups = tell(failed(0..100, 400)).await;
    assert_eq!(groups.len(), 1);
    let (completions, made) = groups[0].parts();
    assert_eq!(completions.len(), 100);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].recipient_ids.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn i2_a_failure_that_no_notice_can_tell_of_is_recorded_and_says_so() {
    let groups = tell(failed(0..2, INLINE_LIMIT)).await;
    let recorded: Vec<_> = groups.iter().map(OutcomeGroup::parts).collect();
    assert_eq!(recorded.len(), 2);
    for (completions, made) in recorded {
        assert_eq!(made, []);
        let reason = &completions[0].reason;
        assert!(
            reason.starts_with("5.0.0 no (no notice was sent"),
            "{reason}"
        );
    }
}
