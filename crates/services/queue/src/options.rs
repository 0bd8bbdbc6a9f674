//! Delivery options of a message: when and how soon it is delivered. They are checked, stored with the
//! message, and determine when its recipients are first due. Workers apply deadlines.

use api::queue::v1::{DeliveryOptions, Submission};
use bytes::Bytes;
use prost::Message as _;

use crate::error::{Error, Result};

/// RFC 6710 §3.
const PRIORITIES: std::ops::RangeInclusive<i32> = -9..=9;
/// Octets of `until;` and a time.
const MAX_FUTURE_RELEASE: usize = 100;
/// Each priority step above 0 counts as this much waiting time. A message of the highest priority thus goes
/// before everything that arrived in the last hour and a half, and no message is overtaken for ever.
const STEP_UP_MS: i64 = 10 * 60 * 1000;
/// Each priority step below 0 delays a message by this much where there is a backlog. The total is short
/// enough to bother nobody.
const STEP_DOWN_MS: i64 = 60 * 1000;

/// The options of one message.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) asked: DeliveryOptions,
    /// Encoded, as stored in queue.message.
    pub(crate) encoded: Bytes,
}

/// Converts the times of a submission from the submitter's clock to the queue's, which shows `now`. A time of
/// day written by the sender (RFC 4865 §4, HOLDUNTIL) is the same by every clock.
pub(crate) fn count_by_our_clock(submission: &mut Submission, now: i64) {
    if submission.clock_ms <= 0 {
        return;
    }
    let ahead = submission.clock_ms.saturating_sub(now);
    let mut options = submission.options.as_mut();
    let of_day = options
        .as_ref()
        .is_some_and(|options| options.future_release.starts_with("until;"));
    if submission.hold_until_ms > 0 && !of_day {
        submission.hold_until_ms = submission.hold_until_ms.saturating_sub(ahead).max(0);
    }
    if let Some(by) = options.as_mut().and_then(|asked| asked.deliver_by.as_mut())
        && by.deadline_ms > 0
    {
        by.deadline_ms = by.deadline_ms.saturating_sub(ahead).max(1);
    }
}

/// Checks the options of a submission; `None` for ordinary mail.
pub(crate) fn check(asked: Option<DeliveryOptions>) -> Result<Option<Box<Options>>> {
    let Some(asked) = asked.filter(|asked| *asked != DeliveryOptions::default()) else {
        return Ok(None);
    };
    if !PRIORITIES.contains(&asked.priority) {
        return Err(invalid("options.priority must lie between -9 and 9"));
    }
    if asked.deliver_by.is_some_and(|by| by.deadline_ms <= 0) {
        return Err(invalid("options.deliver_by has no deadline"));
    }
    let future_release = &asked.future_release;
    if future_release.len() > MAX_FUTURE_RELEASE
        || !future_release.bytes().all(|octet| octet.is_ascii_graphic())
    {
        return Err(invalid(
            "options.future_release is not as RFC 4865 writes it",
        ));
    }
    Ok(Some(Box::new(Options {
        encoded: asked.encode_to_vec().into(),
        asked,
    })))
}

/// Decodes stored options. This program wrote them; unreadable ones do not keep mail back.
pub(crate) fn decode(kept: Option<&[u8]>) -> Option<DeliveryOptions> {
    DeliveryOptions::decode(kept?).ok()
}

/// Whether a message that was never tried and is not due yet waits only because of its low priority. A
/// message held until its release does not count.
pub(crate) fn stands_back(kept: Option<&[u8]>, released_at: i64, now: i64) -> bool {
    released_at <= now && decode(kept).is_some_and(|options| options.priority < 0)
}

/// Latest due time of a message that waits because of its low priority.
pub(crate) fn longest_standing_back(now: i64) -> i64 {
    now.saturating_sub(i64::from(*PRIORITIES.start()) * STEP_DOWN_MS)
}

/// The time at which the recipients of a message that arrived at `now` are first due, unless they are handed
/// over at once. Recipients are leased in this order. A low priority delays nothing beyond `deadline`.
pub(crate) fn first_due(now: i64, hold_until: i64, priority: i32, deadline: Option<i64>) -> i64 {
    let priority = i64::from(priority);
    if priority < 0 {
        let soonest = hold_until.max(now);
        let due = soonest.saturating_sub(priority * STEP_DOWN_MS);
        return match deadline {
            Some(deadline) if due >= deadline => soonest,
            _ => due,
        };
    }
    // A held message is not released early, whatever its priority.
    if hold_until > now {
        return hold_until;
    }
    now.saturating_sub(priority * STEP_UP_MS)
}

fn invalid(message: &str) -> Error {
    Error::invalid(message)
}

#[cfg(test)]
mod tests {
    use api::queue::v1::DeliverBy;

    use super::*;

    const NOW: i64 = 1_767_268_800_000;
    const MINUTE: i64 = 60_000;

    #[test]
    fn the_urgent_are_due_before_others_and_nothing_is_before_its_time() {
        let at = |minutes| Some(NOW + minutes * MINUTE);
        for (hold, priority, deadline, expected) in [
            (0, 0, None, NOW),
            (NOW - 1, 0, None, NOW),
            (0, 9, None, NOW - 90 * MINUTE),
            (0, 1, None, NOW - 10 * MINUTE),
            (0, -1, None, NOW + MINUTE),
            (0, -9, None, NOW + 9 * MINUTE),
            (0, -9, at(10), NOW + 9 * MINUTE),
            (0, -9, at(9), NOW),
            (NOW + MINUTE, 0, None, NOW + MINUTE),
            (NOW + MINUTE, 9, None, NOW + MINUTE),
            (NOW + MINUTE, -2, None, NOW + 3 * MINUTE),
            (NOW + MINUTE, -2, at(3), NOW + MINUTE),
        ] {
            assert_eq!(
                first_due(NOW, hold, priority, deadline),
                expected,
                "{hold} {priority} {deadline:?}"
            );
        }
    }

    #[test]
    fn what_is_held_does_not_stand_back() {
        for (priority, hold, stands_back) in [
            (-1, 0, true),
            (-9, NOW, true),
            (-1, NOW + 1, false),
            (1, 0, false),
            (0, NOW, false),
        ] {
            let asked = DeliveryOptions {
                priority,
                ..DeliveryOptions::default()
            };
            let kept = check(Some(asked)).ok().flatten();
            let kept = kept.as_ref().map(|options| &*options.encoded);
            assert_eq!(
                super::stands_back(kept, hold, NOW),
                stands_back,
                "{priority} {hold}"
            );
        }
        assert!(!super::stands_back(None, 0, NOW));
        assert_eq!(
            longest_standing_back(NOW),
            first_due(NOW, NOW, -9, None),
            "nothing stands back for longer"
        );
    }

    #[test]
    fn times_are_counted_by_our_clock_and_a_time_of_day_is_everybody_s() {
        const OFF: i64 = 40 * 24 * 60 * MINUTE;
        for (ahead, future_release, held, by) in [
            (OFF, "for;3600", NOW + 60 * MINUTE, NOW + 90 * MINUTE),
            (-OFF, "for;3600", NOW + 60 * MINUTE, NOW + 90 * MINUTE),
            (
                OFF,
                "until;2026-02-10T13:00:00Z",
                NOW + OFF + 60 * MINUTE,
                NOW + 90 * MINUTE,
            ),
        ] {
            let mut submission = Submission {
                clock_ms: NOW + ahead,
                hold_until_ms: NOW + ahead + 60 * MINUTE,
                options: Some(DeliveryOptions {
                    deliver_by: Some(DeliverBy {
                        deadline_ms: NOW + ahead + 90 * MINUTE,
                        ..DeliverBy::default()
                    }),
                    future_release: future_release.to_owned(),
                    ..DeliveryOptions::default()
                }),
                ..Submission::default()
            };
            let unsaid = Submission {
                clock_ms: 0,
                ..submission.clone()
            };
            count_by_our_clock(&mut submission, NOW);
            let deadline = |submission: &Submission| {
                let options = submission.options.as_ref();
                options
                    .and_then(|asked| asked.deliver_by)
                    .map(|by| by.deadline_ms)
            };
            assert_eq!(submission.hold_until_ms, held, "{future_release}");
            assert_eq!(deadline(&submission), Some(by));
            let mut same = unsaid.clone();
            count_by_our_clock(&mut same, NOW);
            assert_eq!(same, unsaid, "they are by our clock");
        }
    }

    #[test]
    fn ordinary_mail_keeps_nothing() {
        for options in [None, Some(DeliveryOptions::default())] {
            assert!(matches!(check(options), Ok(None)));
        }
        assert_eq!(decode(None), None);
        assert_eq!(decode(Some(b"\xff")), None);
    }
}
