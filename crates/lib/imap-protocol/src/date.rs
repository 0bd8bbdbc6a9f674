//! Days and instants: `date` and `date-time`.

use bytes::BufMut;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use crate::cursor::Cursor;
use crate::error::{CommandError, Result};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const EPOCH: Date = Date::constant(1970, 1, 1);

/// A day, counted from 1 January 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// Days since 1 January 1970.
    #[must_use]
    pub fn since_1970(self) -> i32 {
        EPOCH.until(self.0).map_or(0, |span| span.get_days())
    }

    /// The day this number of days after 1 January 1970; `None` outside the years that IMAP can write.
    #[must_use]
    pub fn from_1970(days: i32) -> Option<Self> {
        let span = jiff::Span::new().try_days(days).ok()?;
        let date = EPOCH.checked_add(span).ok()?;
        (0..=9999).contains(&date.year()).then_some(Self(date))
    }

    /// `date = date-text / DQUOTE date-text DQUOTE`, date-text = 1*2DIGIT "-" month "-" year.
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        let quoted = cursor.eat(b'"');
        let day = cursor.number()?;
        let date = rest_of_date(cursor, day)?;
        if quoted {
            cursor.expect(b'"', "a closing quote")?;
        }
        Ok(Self(date))
    }

    pub(crate) fn write(self, out: &mut impl BufMut) {
        out.put_slice(format!("{}-{}", self.0.day(), month_and_year(self.0)).as_bytes());
    }
}

fn month_and_year(date: Date) -> String {
    let month = usize::try_from(date.month() - 1).unwrap_or(0);
    let month = MONTHS.get(month).copied().unwrap_or("Jan");
    format!("{month}-{:04}", date.year())
}

fn rest_of_date(cursor: &mut Cursor, day: u32) -> Result<Date> {
    const EXPECTED: CommandError = CommandError::Expected("a date");
    cursor.expect(b'-', "a date")?;
    let name = cursor.take_while(|octet| octet.is_ascii_alphabetic());
    let month = MONTHS
        .iter()
        .position(|month| name.eq_ignore_ascii_case(month.as_bytes()))
        .ok_or(EXPECTED)?;
    cursor.expect(b'-', "a date")?;
    let year = cursor.number()?;
    let small = |number: u32| i8::try_from(number).map_err(|_| EXPECTED);
    let year = i16::try_from(year).map_err(|_| EXPECTED)?;
    Date::new(year, small(month as u32 + 1)?, small(day)?).map_err(|_| EXPECTED)
}

/// The arrival time of a message, to the second, in milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InternalDate(pub i64);

impl InternalDate {
    /// `date-time = DQUOTE date-day-fixed "-" month "-" year SP time SP zone DQUOTE`.
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        const EXPECTED: CommandError = CommandError::Expected("a date and time");
        cursor.expect(b'"', "a date and time")?;
        let _ = cursor.eat(b' ');
        let day = cursor.number()?;
        let date = rest_of_date(cursor, day)?;
        cursor.space()?;
        let mut clock = [0_i8; 3];
        for (index, part) in clock.iter_mut().enumerate() {
            if index > 0 {
                cursor.expect(b':', "a time")?;
            }
            *part = i8::try_from(cursor.number()?).map_err(|_| EXPECTED)?;
        }
        let [hour, minute, second] = clock;
        // A leap second counts as the second before it.
        let second = if second == 60 { 59 } else { second };
        cursor.space()?;
        let offset = zone(cursor)?;
        cursor.expect(b'"', "a closing quote")?;
        let time = DateTime::new(
            date.year(),
            date.month(),
            date.day(),
            hour,
            minute,
            second,
            0,
        )
        .map_err(|_| EXPECTED)?;
        let time = offset.to_timestamp(time).map_err(|_| EXPECTED)?;
        Ok(Self(time.as_millisecond()))
    }
}

fn zone(cursor: &mut Cursor) -> Result<Offset> {
    const EXPECTED: CommandError = CommandError::Expected("a time zone");
    let sign = match (cursor.eat(b'+'), cursor.eat(b'-')) {
        (true, _) => 1,
        (_, true) => -1,
        _ => return Err(EXPECTED),
    };
    let digits = cursor.take_while(|octet| octet.is_ascii_digit());
    if digits.len() != 4 {
        return Err(EXPECTED);
    }
    let number = crate::cursor::parse_digits(&digits).ok_or(EXPECTED)?;
    let minutes = i32::try_from(number / 100 * 60 + number % 100).map_err(|_| EXPECTED)?;
    Offset::from_seconds(sign * minutes * 60).map_err(|_| EXPECTED)
}

/// `date-time`, in UTC.
pub fn put_internal_date(out: &mut impl BufMut, date: InternalDate) {
    let time = jiff::Timestamp::from_millisecond(date.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let time = time.to_zoned(TimeZone::UTC).datetime();
    let text = format!(
        "\"{:2}-{} {:02}:{:02}:{:02} +0000\"",
        time.day(),
        month_and_year(time.date()),
        time.hour(),
        time.minute(),
        time.second()
    );
    out.put_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failure here is the test's failure.

    use bytes::Bytes;

    use super::{Day, InternalDate, put_internal_date};
    use crate::cursor::Cursor;

    fn date_time(text: &'static str) -> Option<InternalDate> {
        InternalDate::parse(&mut Cursor::new(Bytes::from_static(text.as_bytes()))).ok()
    }

    #[test]
    fn an_instant_is_told_in_utc() {
        let date = date_time("\" 7-Feb-1994 21:52:25 -0800\"").unwrap();
        let mut out = Vec::new();
        put_internal_date(&mut out, date);
        assert_eq!(out, b"\" 8-Feb-1994 05:52:25 +0000\"");
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "\"32-Feb-1994 21:52:25 -0800\"",
            "\"07-Feb-1994 25:52:25 -0800\"",
            "\"07-Feb-1994 21:52:25 -080\"",
            "\"07-Foo-1994 21:52:25 -0800\"",
            "\"07-Feb-1994 21:52:25\"",
        ] {
            assert_eq!(date_time(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_counted_from_1970() {
        let day = |text: &'static str| {
            Day::parse(&mut Cursor::new(Bytes::from_static(text.as_bytes()))).unwrap()
        };
        assert_eq!(day("2-Jan-1970").since_1970(), 1);
        assert_eq!(day("\"31-dec-1969\"").since_1970(), -1);
        assert_eq!(Day::from_1970(1), Some(day("2-Jan-1970")));
    }
}
