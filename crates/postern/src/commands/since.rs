//! Points in time as people say them.

use jiff::Timestamp;
use jiff::civil::Date;
use rules::parse_duration;

use crate::screen::Times;

/// The value of `--since`, in milliseconds since 1970: a length of time before now, a day, or a time.
pub(super) fn since(text: &str, times: &Times) -> Result<i64, String> {
    if let Ok(ago) = parse_duration(text) {
        let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
        return Ok(times.now.as_millisecond().saturating_sub(ago).max(0));
    }
    let at = text.parse::<Timestamp>().or_else(|_| {
        let day: Date = text.parse()?;
        day.to_zoned(times.zone.clone())
            .map(|zoned| zoned.timestamp())
    });
    at.map(|at| at.as_millisecond().max(0)).map_err(|_| {
        format!("--since {text}: not a length of time such as '2 h', a day or a time in UTC")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use jiff::tz::TimeZone;

    use super::*;
    use crate::screen::utc;

    #[test]
    fn a_time_is_a_distance_a_day_or_a_timestamp() {
        let times = Times {
            now: "2026-11-24T20:00:00Z".parse().unwrap(),
            zone: TimeZone::UTC,
        };
        let at = |text: &str| utc(since(text, &times).unwrap()).unwrap();
        assert_eq!(at("2 h"), "2026-11-24T18:00:00Z");
        assert_eq!(at("2026-11-20"), "2026-11-20T00:00:00Z");
        assert_eq!(at("2026-11-20T08:30:00Z"), "2026-11-20T08:30:00Z");
        let error = since("yesterday", &times).unwrap_err();
        assert!(error.contains("--since yesterday"));
    }
}
