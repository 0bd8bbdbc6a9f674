//! Points in time on the command line.

use administration::Times;
use jiff::Timestamp;
use jiff::civil::Date;
use rules::parse_duration;

/// The value of `--since`: a duration before now, a day, or a time.
pub(super) fn since(text: &str, times: &Times) -> Result<Timestamp, String> {
    if let Ok(ago) = parse_duration(text) {
        let since = times.now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH);
        return Ok(since.max(Timestamp::UNIX_EPOCH));
    }
    let at = text.parse::<Timestamp>().or_else(|_| {
        let day: Date = text.parse()?;
        day.to_zoned(times.zone.clone())
            .map(|zoned| zoned.timestamp())
    });
    at.map(|at| at.max(Timestamp::UNIX_EPOCH)).map_err(|_| {
        format!("--since {text}: not a length of time such as '2 h', a day or a time in UTC")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn a_time_is_a_distance_a_day_or_a_timestamp() {
        let times = Times {
            now: "2026-11-24T20:00:00Z".parse().unwrap(),
            zone: TimeZone::UTC,
        };
        let at = |text: &str| since(text, &times).unwrap().to_string();
        assert_eq!(at("2 h"), "2026-11-24T18:00:00Z");
        assert_eq!(at("2026-11-20"), "2026-11-20T00:00:00Z");
        assert_eq!(at("2026-11-20T08:30:00Z"), "2026-11-20T08:30:00Z");
        let error = since("yesterday", &times).unwrap_err();
        assert!(error.contains("--since yesterday"));
    }
}
