//! An envelope: the sender and recipients of a message, and the delivery options.

use std::time::Duration;

use api::queue::v1::{DeliverBy, DeliveryOptions, Notify, ReturnContent};
use jiff::Timestamp;
use rules::{EmailAddress, ReversePath};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The sender and recipients of a message, and its notification options (RFC 3461).
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The reverse-path.
    pub sender: ReversePath,
    /// Without duplicates.
    pub recipients: Vec<EmailAddress>,
    /// Events to notify the sender of; none: not requested.
    pub notify: Option<Notify>,
    /// The part of the message that a notice returns.
    pub return_content: ReturnContent,
    /// The envelope's id in notices, in xtext.
    pub envelope_id: String,
    /// 0: not held.
    pub(super) hold_until_ms: i64,
    /// Further delivery options.
    pub(super) options: Option<DeliveryOptions>,
}

impl Envelope {
    /// An envelope without options. Duplicate recipients are merged.
    pub fn new(sender: ReversePath, recipients: Vec<EmailAddress>) -> Self {
        Self {
            sender,
            recipients: without_repeats(recipients),
            notify: None,
            return_content: ReturnContent::Unspecified,
            envelope_id: String::new(),
            hold_until_ms: 0,
            options: None,
        }
    }

    /// Adds the requests about time.
    ///
    /// # Errors
    /// If the holding time is in the past, or ends after the delivery time.
    pub fn timed(mut self, timing: &Timing, now: Timestamp) -> Result<Self, Error> {
        timing.apply(&mut self, now)?;
        Ok(self)
    }
}

fn without_repeats(addresses: Vec<EmailAddress>) -> Vec<EmailAddress> {
    let mut seen = std::collections::HashSet::with_capacity(addresses.len());
    addresses
        .into_iter()
        .filter(|address| seen.insert(address.clone()))
        .collect()
}

/// Requests about time and priority, the equivalents of FUTURERELEASE, DELIVERBY and MT-PRIORITY of SMTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The message is held until this time.
    pub hold_until: Option<Timestamp>,
    /// The message is returned if it is not delivered within this time.
    pub deliver_by: Option<Duration>,
    /// The priority, -9 to 9.
    pub priority: Option<i32>,
}

impl Timing {
    /// Applies the requests to the envelope.
    fn apply(&self, envelope: &mut Envelope, now: Timestamp) -> Result<(), Error> {
        let now_ms = now.as_millisecond();
        let held = self.hold_until;
        // SMTP refuses such a FUTURERELEASE too.
        if let Some(past) = held.filter(|until| *until <= now) {
            return Err(Error::Invalid(format!(
                "the message cannot be held until {past:.0}, which is over already: give a later \
                 time, or none to send it now"
            )));
        }
        let held_ms = held.map_or(0, Timestamp::as_millisecond);
        let deadline_ms = self.deliver_by.map(|within| {
            let within = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
            now_ms.saturating_add(within)
        });
        if deadline_ms.is_some_and(|deadline| deadline <= held_ms.max(now_ms)) {
            return Err(Error::Invalid(
                "the message would be late before it may go: give more time to deliver it"
                    .to_owned(),
            ));
        }
        let options = DeliveryOptions {
            deliver_by: deadline_ms.map(|deadline_ms| DeliverBy {
                deadline_ms,
                or_return: true,
                trace: false,
            }),
            priority: self.priority.unwrap_or(0),
            future_release: held
                .map(|until| format!("until;{until:.0}"))
                .unwrap_or_default(),
        };
        envelope.hold_until_ms = held_ms;
        envelope.options = (options != DeliveryOptions::default()).then_some(options);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    const NOW: &str = "2026-11-22T20:00:00Z";

    fn applied(timing: &Timing) -> Result<Envelope, Error> {
        let mut envelope = Envelope::new(ReversePath::Null, Vec::new());
        timing.apply(&mut envelope, NOW.parse().unwrap())?;
        Ok(envelope)
    }

    #[test]
    fn an_ordinary_message_asks_nothing() {
        let envelope = applied(&Timing::default()).unwrap();
        assert_eq!((envelope.hold_until_ms, envelope.options), (0, None));
        let past = Timing {
            hold_until: "2026-11-22T19:00:00Z".parse().ok(),
            ..Timing::default()
        };
        let refused = applied(&past).err().unwrap().to_string();
        assert!(
            refused.contains("until 2026-11-22T19:00:00Z, which is over"),
            "{refused}"
        );
    }

    #[test]
    fn what_is_asked_is_told_to_the_queue() {
        let timing = Timing {
            hold_until: "2026-11-22T21:00:00Z".parse().ok(),
            deliver_by: Some(Duration::from_secs(7200)),
            priority: Some(-3),
        };
        let envelope = applied(&timing).unwrap();
        let now_ms = NOW.parse::<Timestamp>().unwrap().as_millisecond();
        assert_eq!(envelope.hold_until_ms, now_ms + 3_600_000);
        let options = envelope.options.unwrap();
        assert_eq!(options.future_release, "until;2026-11-22T21:00:00Z");
        assert_eq!(options.priority, -3);
        let by = options.deliver_by.unwrap();
        assert!(by.or_return);
        assert_eq!(by.deadline_ms, now_ms + 7_200_000);
    }

    #[test]
    fn nothing_is_sent_that_would_be_late_before_it_may_go() {
        let timing = Timing {
            hold_until: "2026-11-22T21:00:00Z".parse().ok(),
            deliver_by: Some(Duration::from_secs(3600)),
            priority: None,
        };
        assert!(applied(&timing).is_err());
    }

    #[test]
    fn repeated_recipients_get_one_message() {
        let addresses = ["a@x.test", "b@x.test", "a@X.test"].map(|a| a.parse().unwrap());
        assert_eq!(without_repeats(addresses.to_vec()).len(), 2);
    }
}
