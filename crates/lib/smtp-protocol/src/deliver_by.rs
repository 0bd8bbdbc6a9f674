//! BY of DELIVERBY (RFC 2852 §4), for both sides of a session.

use std::fmt;

/// Maximum absolute value of BY in seconds.
const MAX_SECONDS: i64 = 999_999_999;

/// The delivery time of a message, and the action if it is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliverBy {
    /// Counted from MAIL. Positive for [`ByMode::Return`]; negative if the time has passed.
    pub seconds: i32,
    /// The action.
    pub mode: ByMode,
    /// The sender is notified of each relaying server.
    pub trace: bool,
}

/// The action for a late message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByMode {
    /// `N`: the sender is notified, and delivery continues.
    Notify,
    /// `R`: the message is returned.
    Return,
}

impl DeliverBy {
    /// The value for the next server, given the remaining milliseconds; rounded up to whole seconds.
    #[must_use]
    pub fn from_rest(milliseconds: i64, mode: ByMode, trace: bool) -> Self {
        let seconds = milliseconds.saturating_add(999).div_euclid(1000);
        let seconds = seconds.clamp(-MAX_SECONDS, MAX_SECONDS);
        Self {
            seconds: seconds as i32,
            mode,
            trace,
        }
    }

    /// Parses `by-value`: `["-" / "+"] 1*9DIGIT ";" ("N" / "R") ["T"]`.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (time, words) = value.split_once(';')?;
        let digits = time.strip_prefix(['-', '+']).unwrap_or(time);
        let plain = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let seconds = time.parse().ok().filter(|_| plain)?;
        let (mode, trace) = match words.to_ascii_uppercase().as_str() {
            "N" => (ByMode::Notify, false),
            "NT" => (ByMode::Notify, true),
            "R" => (ByMode::Return, false),
            "RT" => (ByMode::Return, true),
            _ => return None,
        };
        // RFC 2852 §4: with by-mode R the time must be positive.
        (mode == ByMode::Notify || seconds > 0).then_some(Self {
            seconds,
            mode,
            trace,
        })
    }
}

/// The form in BY.
impl fmt::Display for DeliverBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            ByMode::Notify => "N",
            ByMode::Return => "R",
        };
        let trace = if self.trace { "T" } else { "" };
        write!(f, "{};{mode}{trace}", self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_is_read_and_written() {
        for text in ["120;R", "120;RT", "-5;N", "0;NT", "999999999;N"] {
            let read = DeliverBy::parse(text).map(|by| by.to_string());
            assert_eq!(read.as_deref(), Some(text));
        }
        let read = DeliverBy::parse("+7;rt").map(|by| by.to_string());
        assert_eq!(read.as_deref(), Some("7;RT"));
    }

    #[test]
    fn what_is_to_be_returned_cannot_be_late_already() {
        for text in ["0;R", "-1;R", "-0;RT", "+0;R"] {
            assert_eq!(DeliverBy::parse(text), None, "{text}");
        }
    }

    #[test]
    fn other_values_are_none() {
        for text in [
            "",
            "120",
            "120;",
            "120;X",
            "120;TR",
            "120;RTT",
            ";R",
            "-;N",
            "+-1;N",
            "1 ;N",
            "1.5;N",
            "1000000000;N",
            "0x1;N",
            "120;R;T",
            "١;N",
        ] {
            assert_eq!(DeliverBy::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_second_that_has_begun_counts() {
        let rest = |ms| DeliverBy::from_rest(ms, ByMode::Notify, false).seconds;
        assert_eq!([rest(1), rest(1000), rest(1001)], [1, 1, 2]);
        assert_eq!([rest(0), rest(-1), rest(-1000)], [0, 0, -1]);
        assert_eq!(
            [rest(i64::MAX), rest(i64::MIN)],
            [999_999_999, -999_999_999]
        );
    }
}
