//! The deadline of a message, and the consequences of missing it (DELIVERBY, RFC 2852). Pure: messages and
//! times in, decisions out.

use api::queue::v1::{LeasedMessage, Notify};
use smtp_protocol::{ByMode, DeliverBy};

use crate::fate::Failure;
use crate::notify::{and_delay, wants_nothing};

/// RFC 2852 §4.1.3.
const RETURNED: &str = "5.4.7";
const DELAYED: &str = "4.4.7";
const RETURNED_REASON: &str = "It could not be delivered within the time that the sender set.";
const DELAYED_REASON: &str = "It was not delivered within the time that the sender set.";

/// The BY parameter of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) at_ms: i64,
    /// Mode R: a late message is returned. Otherwise its sender gets a notice.
    pub(crate) or_return: bool,
    /// The sender gets a notice when the message is relayed.
    pub(crate) trace: bool,
}

impl Deadline {
    pub(crate) fn of(message: &LeasedMessage) -> Option<Self> {
        let by = message.options.as_ref()?.deliver_by.as_ref()?;
        Some(Self {
            at_ms: by.deadline_ms,
            or_return: by.or_return,
            trace: by.trace,
        })
    }

    pub(crate) fn has_passed(&self, now_ms: i64) -> bool {
        now_ms >= self.at_ms
    }

    /// The failure that forbids further attempts (RFC 2852 §4.1.3), if the time is over.
    pub(crate) fn forbids_attempts(&self, now_ms: i64) -> Option<Failure> {
        (self.or_return && self.has_passed(now_ms))
            .then(|| Failure::permanent(RETURNED, RETURNED_REASON))
    }

    /// The failure, judged after the attempt has ended: permanent, if the message is late and must be
    /// returned.
    pub(crate) fn judge(&self, failure: &Failure, now_ms: i64) -> Option<Failure> {
        if failure.permanent || failure.unsettled {
            return None;
        }
        let late = self.forbids_attempts(now_ms)?;
        Some(Failure {
            reason: format!("{} {}", late.reason, failure.reason),
            server: failure.server.clone(),
            reply: failure.reply.clone(),
            ..late
        })
    }

    /// The same failure for the delay notice, if the message is late and is still tried.
    pub(crate) fn late_failure(&self, failure: &Failure, now_ms: i64) -> Option<Failure> {
        (!self.or_return && self.has_passed(now_ms)).then(|| Failure {
            status: DELAYED.into(),
            reason: format!("{DELAYED_REASON} {}", failure.reason),
            ..failure.clone()
        })
    }

    /// BY for the next server (RFC 2852 §4.1.4).
    pub(crate) fn rest(&self, now_ms: i64) -> DeliverBy {
        let mode = match self.or_return {
            true => ByMode::Return,
            false => ByMode::Notify,
        };
        DeliverBy::from_rest(self.at_ms.saturating_sub(now_ms), mode, self.trace)
    }

    /// Whether the sender gets a notice that a server took the message, without NOTIFY=SUCCESS: if a trace is
    /// requested, or if no further server keeps the deadline (RFC 2852 §4.1.4, §4.1.4.2).
    pub(crate) fn reports_relay(&self, kept_on: bool, now_ms: i64) -> bool {
        self.trace || self.ends_here(kept_on, now_ms)
    }

    /// NOTIFY for the next server. A server that does not keep the deadline is to report delays (RFC 2852
    /// §4.1.4.2).
    pub(crate) fn notify(
        &self,
        notify: Option<Notify>,
        kept_on: bool,
        now_ms: i64,
    ) -> Option<Notify> {
        if wants_nothing(notify) || !self.ends_here(kept_on, now_ms) {
            return notify;
        }
        Some(and_delay(notify))
    }

    fn ends_here(&self, kept_on: bool, now_ms: i64) -> bool {
        !self.or_return && !kept_on && !self.has_passed(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_000_000;

    fn deadline(mode: &str) -> Deadline {
        Deadline {
            at_ms: AT,
            or_return: mode.starts_with('R'),
            trace: mode.ends_with('T'),
        }
    }

    #[test]
    fn what_is_to_be_returned_is_not_tried_once_it_is_late() {
        for (mode, now_ms, expected) in [
            ("R", AT - 1, None),
            ("R", AT, Some("5.4.7")),
            ("N", AT + 1, None),
        ] {
            let failure = deadline(mode).forbids_attempts(now_ms);
            let status = failure.map(|failure| failure.status.into_owned());
            assert_eq!(status.as_deref(), expected, "{mode}");
        }
    }

    #[test]
    fn a_failure_that_is_late_is_the_last_and_says_what_was_in_the_way() {
        let failure = Failure::temporary("4.4.1", "mx.test does not answer.");
        assert_eq!(deadline("R").judge(&failure, AT - 1), None);
        assert_eq!(deadline("N").judge(&failure, AT), None);
        let unsettled = Failure {
            unsettled: true,
            ..failure.clone()
        };
        assert_eq!(deadline("R").judge(&unsettled, AT), None);
        let last = deadline("R").judge(&failure, AT);
        assert!(last.is_some_and(|last| last.permanent
            && last.status == "5.4.7"
            && last.reason.ends_with("set. mx.test does not answer.")));
        let permanent = Failure::permanent("5.1.1", "no such user");
        assert_eq!(deadline("R").judge(&permanent, AT), None);
    }

    #[test]
    fn senders_are_told_of_servers_that_pass_it_on() {
        // mode, whether the server keeps the deadline, time, notice
        for (mode, kept_on, now_ms, told) in [
            ("N", true, 0, false),
            ("N", false, 0, true),
            ("N", false, AT, false),
            ("NT", true, 0, true),
            ("NT", false, AT, true),
            ("R", true, 0, false),
            ("RT", true, 0, true),
        ] {
            let found = deadline(mode).reports_relay(kept_on, now_ms);
            assert_eq!(found, told, "{mode} {kept_on} {now_ms}");
        }
    }

    #[test]
    fn servers_that_do_not_keep_the_time_are_to_tell_of_delays() {
        // mode, whether the server keeps the deadline, NOTIFY before, NOTIFY after
        for (mode, kept_on, notify, expected) in [
            ("N", false, 0, 2 | 4),
            ("N", false, 1, 1 | 4),
            ("N", false, 4, 4),
            ("N", false, 8, 8),
            ("N", true, 0, 0),
            ("R", true, 1, 1),
        ] {
            assert_eq!(
                deadline(mode).notify(Notify::from_bits(notify), kept_on, 0),
                Notify::from_bits(expected),
                "{mode}"
            );
        }
        let success = Notify::from_bits(1);
        let late = deadline("N").notify(success, false, AT);
        assert_eq!(late, success, "it is late already");
    }

    #[test]
    fn the_rest_of_the_time_goes_along() {
        assert_eq!(deadline("RT").rest(AT - 22_500).to_string(), "23;RT");
        assert_eq!(deadline("N").rest(AT + 3_000).to_string(), "-3;N");
    }
}
