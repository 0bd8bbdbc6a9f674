//! When and how soon a message goes on, as the command line says it.

use std::time::Duration;

use api::queue::v1::{DeliverBy, DeliveryOptions};
use jiff::Timestamp;
use rules::parse_duration;

use super::submit::Envelope;
use crate::failure::Failure;

/// What FUTURERELEASE, DELIVERBY and MT-PRIORITY are for a client of SMTP.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Timing {
    /// Keep the message until then: a time such as 2026-12-24T08:00:00Z, or a length such as '2 h'
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) hold_until: Option<Timestamp>,
    /// Return the message unless it is delivered within so long
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) deliver_by: Option<Duration>,
    /// Prefer the message to others, or them to it: -9 to 9
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i32).range(-9..=9))]
    pub(super) priority: Option<i32>,
}

impl Timing {
    /// Puts what is asked on the envelope.
    pub(super) fn apply(&self, envelope: &mut Envelope, now: Timestamp) -> Result<(), Failure> {
        let now_ms = now.as_millisecond();
        let held = self.hold_until;
        // As FUTURERELEASE is refused over SMTP.
        if let Some(past) = held.filter(|until| *until <= now) {
            return Err(Failure::Usage(format!(
                "--hold-until {past:.0} is over already: give a later time, or none to send it now"
            )));
        }
        let held_ms = held.map_or(0, Timestamp::as_millisecond);
        let deadline_ms = self.deliver_by.map(|within| {
            let within = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
            now_ms.saturating_add(within)
        });
        if deadline_ms.is_some_and(|deadline| deadline <= held_ms.max(now_ms)) {
            return Err(Failure::Usage(
                "the message would be late before it may go: give more time by --deliver-by"
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

fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(length) = parse_duration(text) {
        let until = Timestamp::now().checked_add(length);
        return until.map_err(|_| "it is too far away".to_owned());
    }
    text.parse().map_err(|_| {
        "neither a time such as 2026-12-24T08:00:00Z nor a length such as \"2 h\"".to_owned()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use rules::ReversePath;

    use super::*;

    const NOW: &str = "2026-11-22T20:00:00Z";

    fn applied(timing: &Timing) -> Result<Envelope, Failure> {
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
            refused.contains("2026-11-22T19:00:00Z is over"),
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
    fn times_are_given_as_such_or_as_lengths() {
        assert!(time("2 h").unwrap() > Timestamp::now());
        assert_eq!(time(NOW).unwrap().to_string(), NOW);
        assert!(time("tomorrow").is_err());
    }
}
