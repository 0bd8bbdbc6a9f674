//! Requests about time and priority on the command line.

use std::time::Duration;

use administration::send;
use jiff::Timestamp;
use rules::parse_duration;

/// The equivalents of FUTURERELEASE, DELIVERBY and MT-PRIORITY of SMTP.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Timing {
    /// Hold the message until this time, such as 2026-12-24T08:00:00Z, or for a duration, such as '2 h'
    #[arg(long, value_name = "TIME", value_parser = time)]
    hold_until: Option<Timestamp>,
    /// Return the message unless it is delivered within this time
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deliver_by: Option<Duration>,
    /// Priority over other messages, -9 to 9
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i32).range(-9..=9))]
    priority: Option<i32>,
}

impl From<Timing> for send::Timing {
    fn from(timing: Timing) -> Self {
        Self {
            hold_until: timing.hold_until,
            deliver_by: timing.deliver_by,
            priority: timing.priority,
        }
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
    use super::*;

    #[test]
    fn times_are_given_as_such_or_as_lengths() {
        assert!(time("2 h").unwrap() > Timestamp::now());
        assert_eq!(
            time("2026-11-22T20:00:00Z").unwrap().to_string(),
            "2026-11-22T20:00:00Z"
        );
        assert!(time("tomorrow").is_err());
    }
}
