//! Points in time, in outputs and in sentences.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Converts a service's time (milliseconds since 1970); none if 0. Serialised as RFC 3339 in UTC.
pub fn time(milliseconds: i64) -> Option<Timestamp> {
    (milliseconds != 0)
        .then(|| Timestamp::from_millisecond(milliseconds).ok())
        .flatten()
}

/// The format of points in time in sentences.
#[derive(Clone, Debug)]
pub struct Times {
    /// The current time.
    pub now: Timestamp,
    /// The zone of dates.
    pub zone: TimeZone,
}

impl Times {
    /// Date and time of day in the zone; `-` if none.
    pub fn local(&self, time: Option<Timestamp>) -> String {
        match time {
            Some(time) => time
                .to_zoned(self.zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string(),
            None => "-".to_owned(),
        }
    }

    /// The distance to now, such as "2 h ago".
    pub fn distance(&self, time: Timestamp) -> String {
        let difference = time
            .as_millisecond()
            .saturating_sub(self.now.as_millisecond());
        let seconds = std::time::Duration::from_secs(difference.unsigned_abs() / 1000);
        let length = rules::format_duration(seconds);
        match difference {
            ..=-1000 => format!("{length} ago"),
            -999..1000 => "now".to_owned(),
            1000.. => format!("in {length}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn times_are_written_as_dates_and_distances() {
        let times = Times {
            now: "2026-11-22T20:00:00Z".parse().unwrap(),
            zone: TimeZone::UTC,
        };
        let now = times.now.as_millisecond();
        assert_eq!(times.local(time(now)), "2026-11-22 20:00:00");
        assert_eq!(times.local(time(0)), "-");
        let distance = |milliseconds| times.distance(time(milliseconds).unwrap());
        assert_eq!(distance(now - 90_500), "1 min 30 s ago");
        assert_eq!(distance(now + 3_600_000), "in 1 h");
        assert_eq!(distance(now + 5), "now");
        let json = serde_json::to_value([time(now), time(0)]).unwrap();
        assert_eq!(json, serde_json::json!(["2026-11-22T20:00:00Z", null]));
    }
}
