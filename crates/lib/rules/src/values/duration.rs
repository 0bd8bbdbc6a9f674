//! Durations as people write them.

use std::time::Duration;

/// Parses `"5 days"`, `"4 h"`, `"90 s"`, `"1 h 30 min"`.
pub fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "not a length of time such as \"5 days\", \"4 h\" or \"90 s\"";
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(WRONG);
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| WRONG)?;
        let tail = tail.trim_start();
        let letters = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let part = milliseconds(unit)
            .and_then(|unit| number.checked_mul(unit))
            .map(Duration::from_millis)
            .ok_or(WRONG)?;
        total = total.checked_add(part).ok_or(WRONG)?;
        rest = tail.trim_start();
    }
    // Times are counted in milliseconds since 1970 everywhere: a century is enough.
    if total > Duration::from_secs(100 * 366 * 86_400) {
        return Err("longer than a hundred years");
    }
    Ok(total)
}

fn milliseconds(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "ms" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "week" | "weeks" => 7 * 86_400_000,
        _ => return None,
    })
}

/// Writes a duration in its two largest units.
pub fn format_duration(duration: Duration) -> String {
    const UNITS: [(u128, &str); 5] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let mut rest = duration.as_millis();
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        if rest >= unit && parts.len() < 2 {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() {
        return "0 s".to_owned();
    }
    parts.join(" ")
}
