//! Requests of a client about time and priority: FUTURERELEASE (RFC 4865), DELIVERBY (RFC 2852) and
//! MT-PRIORITY (RFC 6710).
//!
//! The driver decides whether they are granted: it knows the clock.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::parameters::{MALFORMED, UNKNOWN};
use crate::{DeliverBy, Reply};

/// RFC 6710 §4.1.
const BAD_PRIORITY: Reply = Reply::new(501, 5, 2, "Malformed parameter");

/// The requests of MAIL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// HOLDFOR or HOLDUNTIL.
    pub hold: Option<Hold>,
    /// BY.
    pub deliver_by: Option<DeliverBy>,
    /// MT-PRIORITY, -9 to 9.
    pub priority: Option<i8>,
}

/// The holding time of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// This number of seconds, at least one.
    For(u32),
    /// Until this time.
    Until {
        /// Milliseconds since 1970.
        at_ms: i64,
        /// As the client wrote it.
        text: String,
    },
}

/// The extensions offered to a session; each is both announced and accepted, or neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// FUTURERELEASE.
    pub hold: Option<HoldLimit>,
    /// DELIVERBY, with the minimum by-time in seconds; 0 is not announced.
    pub deliver_by: Option<u32>,
    /// MT-PRIORITY.
    pub priority: bool,
}

/// The maximum holding time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldLimit {
    /// In seconds, 1 to 999,999,999.
    pub seconds: u32,
    /// The same as a time, in seconds since 1970.
    pub until: i64,
}

impl Hold {
    /// The request as quoted in a notice (RFC 4865 §5.1.2): `for;3600`, `until;2030-01-01T08:00:00Z`.
    #[must_use]
    pub fn request(&self) -> String {
        match self {
            Self::For(seconds) => format!("for;{seconds}"),
            Self::Until { text, .. } => format!("until;{text}"),
        }
    }

    /// The release time for a MAIL received at `now_ms`.
    #[must_use]
    pub fn until_ms(&self, now_ms: i64) -> i64 {
        match self {
            Self::For(seconds) => now_ms.saturating_add(i64::from(*seconds) * 1000),
            Self::Until { at_ms, .. } => *at_ms,
        }
    }

    fn set(into: &mut Option<Self>, hold: Option<Self>) -> Result<(), Reply> {
        // RFC 4865 §4.2: exactly one.
        if into.is_some() {
            return Err(MALFORMED.with_text("HOLDFOR or HOLDUNTIL, not both"));
        }
        *into = Some(hold.ok_or(MALFORMED)?);
        Ok(())
    }
}

impl Requests {
    /// Handles a parameter of MAIL, if it is one of these.
    pub(super) fn parameter(
        &mut self,
        key: &str,
        value: Option<&str>,
        offered: &Offered,
    ) -> Result<(), Reply> {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        match value {
            Some(value) if is("HOLDFOR") && offered.hold.is_some() => {
                Hold::set(&mut self.hold, hold_for(value))
            }
            Some(value) if is("HOLDUNTIL") && offered.hold.is_some() => {
                Hold::set(&mut self.hold, hold_until(value))
            }
            Some(value) if is("BY") && offered.deliver_by.is_some() => {
                self.deliver_by = Some(DeliverBy::parse(value).ok_or(MALFORMED)?);
                Ok(())
            }
            Some(value) if is("MT-PRIORITY") && offered.priority => {
                self.priority = Some(priority(value).ok_or(BAD_PRIORITY)?);
                Ok(())
            }
            _ => Err(UNKNOWN),
        }
    }
}

impl Offered {
    /// The lines of EHLO.
    pub(super) fn announce(&self, text: &mut String) {
        // Writing to a String cannot fail.
        if let Some(HoldLimit { seconds, until }) = self.hold {
            let until = Timestamp::from_second(until).unwrap_or(Timestamp::MAX);
            let _ = write!(text, "\nFUTURERELEASE {seconds} {until:.0}");
        }
        match self.deliver_by {
            None => {}
            Some(0) => text.push_str("\nDELIVERBY"),
            Some(seconds) => {
                let _ = write!(text, "\nDELIVERBY {seconds}");
            }
        }
        // RFC 6710 §3: without a policy name; the only policy is that higher priorities go first.
        if self.priority {
            text.push_str("\nMT-PRIORITY");
        }
    }
}

/// `%x31-39 *8DIGIT`
fn hold_for(value: &str) -> Option<Hold> {
    let digits = value.len() <= 9 && value.bytes().all(|b| b.is_ascii_digit());
    let seconds = value.parse().ok().filter(|_| digits)?;
    (!value.starts_with('0')).then_some(Hold::For(seconds))
}

/// `date-time` of RFC 3339 (erratum 2040 to RFC 4865).
fn hold_until(value: &str) -> Option<Hold> {
    if !is_date_time(value.as_bytes()) {
        return None;
    }
    let at: Timestamp = value.parse().ok()?;
    Some(Hold::Until {
        at_ms: at.as_millisecond(),
        text: value.to_owned(),
    })
}

/// Whether the text has the form of RFC 3339 §5.6: jiff accepts many others.
fn is_date_time(text: &[u8]) -> bool {
    let Some((begin, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let rest = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            &fraction[digits..]
        }
        rest => rest,
    };
    has_form(begin, b"0000-00-00T00:00:00") && (has_form(rest, b"Z") || is_offset(rest))
}

fn is_offset(text: &[u8]) -> bool {
    has_form(text, b"+00:00") || has_form(text, b"-00:00")
}

/// Whether they are equal except for digits and the case of letters.
fn has_form(text: &[u8], form: &[u8]) -> bool {
    text.len() == form.len()
        && text.iter().zip(form).all(|(octet, form)| match form {
            b'0' => octet.is_ascii_digit(),
            form => octet.eq_ignore_ascii_case(form),
        })
}

/// `(["-"] NZDIGIT) / "0"`
fn priority(value: &str) -> Option<i8> {
    match value.as_bytes() {
        [b'0'..=b'9'] | [b'-', b'1'..=b'9'] => value.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_rfc_3339() {
        for (text, ms) in [
            ("1996-07-17T09:23:25Z", 837_595_405_000),
            ("1996-07-17t09:23:25z", 837_595_405_000),
            ("1996-07-17T11:23:25+02:00", 837_595_405_000),
            ("1996-07-17T09:23:25.5-00:00", 837_595_405_500),
        ] {
            let until = hold_until(text).map(|hold| hold.until_ms(0));
            assert_eq!(until, Some(ms), "{text}");
        }
        for text in [
            "",
            "Z",
            "1996-07-17",
            "1996-07-17T09:23Z",
            "1996-07-17 09:23:25Z",
            "1996-07-17T09:23:25",
            "1996-07-17T09:23:25.Z",
            "1996-07-17T09:23:25.1234567890Z",
            "1996-07-17T09:23:25+0200",
            "1996-07-17T09:23:25Z[UTC]",
            "1996-13-17T09:23:25Z",
            "1996-02-30T09:23:25Z",
            "19960717T092325Z",
        ] {
            assert_eq!(hold_until(text), None, "{text}");
        }
    }

    #[test]
    fn lengths_are_of_one_to_nine_digits() {
        assert_eq!(hold_for("1"), Some(Hold::For(1)));
        assert_eq!(hold_for("999999999"), Some(Hold::For(999_999_999)));
        for text in ["", "0", "01", "-1", "+1", "1000000000", "1 ", "1s"] {
            assert_eq!(hold_for(text), None, "{text}");
        }
    }

    #[test]
    fn priorities_are_from_minus_nine_to_nine() {
        for number in -9..=9 {
            assert_eq!(priority(&number.to_string()), Some(number));
        }
        for text in ["", "-", "+1", "10", "-10", "00", "-0", "x", "1x"] {
            assert_eq!(priority(text), None, "{text}");
        }
    }
}
