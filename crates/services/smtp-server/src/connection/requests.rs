//! Delivery options in MAIL, and those accepted.

use std::time::Duration;

use api::clock::now_ms;
use api::queue::v1::{DeliverBy, DeliveryOptions};
use policy_watch::PolicySnapshot;
use rules::{Policy, Timing, Trust};
use smtp_protocol::ByMode;
use smtp_protocol::server::{self, HoldLimit, Mail, Offered};

use super::Connection;

/// The options accepted at MAIL.
#[derive(Default)]
pub(super) struct Agreed {
    /// 0: not held.
    pub(super) hold_until_ms: i64,
    /// For the queue; `None` for ordinary mail.
    pub(super) options: Option<DeliveryOptions>,
    /// The effective priority, if one was requested.
    pub(super) priority: Option<i8>,
}

impl Agreed {
    /// Whether the deadline has passed after which the message is to be returned (RFC 2852 §4). The client
    /// can still be told so in a reply, without a notice.
    pub(super) fn is_late(&self, now_ms: i64) -> bool {
        let deliver_by = self.options.as_ref().and_then(|asked| asked.deliver_by);
        deliver_by.is_some_and(|by| by.or_return && by.deadline_ms <= now_ms)
    }
}

impl Connection {
    /// What is announced, and taken.
    pub(super) fn offered(&self, snapshot: &PolicySnapshot, trust: &Trust) -> Offered {
        let offer = snapshot.policy.offer(&self.facts, trust);
        Offered {
            hold: offer.hold.and_then(hold_limit),
            deliver_by: offer.deliver_by.map(whole_seconds),
            priority: offer.priority,
        }
    }
}

fn hold_limit(longest: Duration) -> Option<HoldLimit> {
    let seconds = u32::try_from(longest.as_secs()).ok()?;
    Some(HoldLimit {
        seconds,
        until: now_ms() / 1000 + i64::from(seconds),
    })
}

fn whole_seconds(length: Duration) -> u32 {
    u32::try_from(length.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

/// The delivery options requested by a MAIL at `now_ms`.
pub(super) fn timing(mail: &Mail, now_ms: i64) -> Timing {
    let server::Requests {
        hold,
        deliver_by,
        priority,
    } = &mail.requests;
    Timing {
        hold: hold.as_ref().map(|hold| hold.until_ms(now_ms) - now_ms),
        deliver_by: deliver_by.map(|by| i64::from(by.seconds) * 1000),
        or_return: deliver_by.is_some_and(|by| by.mode == ByMode::Return),
        priority: *priority,
    }
}

/// The options of an accepted MAIL at `now_ms`.
pub(super) fn agree(policy: &Policy, trust: &Trust, mail: &Mail, now_ms: i64) -> Agreed {
    let server::Requests {
        hold,
        deliver_by,
        priority,
    } = &mail.requests;
    let priority = priority.map(|asked| policy.priority(trust, asked));
    let options = DeliveryOptions {
        deliver_by: deliver_by.map(|by| DeliverBy {
            deadline_ms: now_ms.saturating_add(i64::from(by.seconds) * 1000),
            or_return: by.mode == ByMode::Return,
            trace: by.trace,
        }),
        priority: priority.unwrap_or(0).into(),
        future_release: hold.as_ref().map(server::Hold::request).unwrap_or_default(),
    };
    Agreed {
        hold_until_ms: hold.as_ref().map_or(0, |hold| hold.until_ms(now_ms)),
        options: (options != DeliveryOptions::default()).then_some(options),
        priority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_is_what_is_to_be_returned_and_nothing_else() {
        for (or_return, deadline_ms, late) in
            [(true, 1000, true), (true, 1001, false), (false, 1, false)]
        {
            let deliver_by = DeliverBy {
                deadline_ms,
                or_return,
                trace: false,
            };
            let agreed = Agreed {
                options: Some(DeliveryOptions {
                    deliver_by: Some(deliver_by),
                    ..DeliveryOptions::default()
                }),
                ..Agreed::default()
            };
            assert_eq!(agreed.is_late(1000), late, "{or_return} {deadline_ms}");
        }
        assert!(!Agreed::default().is_late(1000));
    }
}
