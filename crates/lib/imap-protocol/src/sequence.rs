//! Sequence sets as clients write them.

use std::fmt;
use std::num::NonZeroU32;

use crate::RangeSet;
use crate::cursor::parse_digits;

/// `seq-number = nz-number / "*"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceNumber {
    /// A sequence number or UID.
    Number(NonZeroU32),
    /// `*`: the highest number.
    Last,
}

/// One number, or two with all numbers between them, in either order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceRange(pub SequenceNumber, pub SequenceNumber);

/// `sequence-set`: never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceSet(Vec<SequenceRange>);

/// Messages named by sequence number or by UID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageSet {
    /// By sequence number.
    Sequence(SequenceSet),
    /// By UID.
    Uid(SequenceSet),
    /// `$`: the result of the last SEARCH RETURN (SAVE) (RFC 5182).
    Saved {
        /// Whether the command was a UID command.
        uid: bool,
    },
}

impl MessageSet {
    /// Whether the command was a UID command.
    #[must_use]
    pub fn is_uid(&self) -> bool {
        matches!(self, Self::Uid(_) | Self::Saved { uid: true })
    }
}

impl SequenceSet {
    /// Parses a set; `None` if invalid.
    #[must_use]
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let ranges: Option<Vec<_>> = octets
            .split(|&octet| octet == b',')
            .map(parse_range)
            .collect();
        Self::new(ranges?)
    }

    /// A set of these ranges, if there are any.
    #[must_use]
    pub fn new(ranges: Vec<SequenceRange>) -> Option<Self> {
        (!ranges.is_empty()).then_some(Self(ranges))
    }

    /// The numbers in the set, if `last` is the highest number. In an empty mailbox (`last` 0) `*` is
    /// empty.
    #[must_use]
    pub fn resolve(&self, last: u32) -> RangeSet {
        let number = |number| match number {
            SequenceNumber::Number(number) => number.get(),
            SequenceNumber::Last => last,
        };
        let ranges = self.0.iter().map(|&SequenceRange(from, to)| {
            let (from, to) = (number(from), number(to));
            from.min(to).max(1)..=from.max(to)
        });
        RangeSet::from_ranges(ranges.collect())
    }
}

fn parse_range(octets: &[u8]) -> Option<SequenceRange> {
    match memchr::memchr(b':', octets) {
        Some(colon) => Some(SequenceRange(
            parse_number(octets.get(..colon)?)?,
            parse_number(octets.get(colon + 1..)?)?,
        )),
        None => parse_number(octets).map(|number| SequenceRange(number, number)),
    }
}

fn parse_number(octets: &[u8]) -> Option<SequenceNumber> {
    if octets == b"*" {
        return Some(SequenceNumber::Last);
    }
    let number = u32::try_from(parse_digits(octets)?).ok()?;
    NonZeroU32::new(number).map(SequenceNumber::Number)
}

impl fmt::Display for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, SequenceRange(from, to)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{from}")?;
            if from != to {
                write!(f, ":{to}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Last => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failure here is the test's failure.

    use super::SequenceSet;

    fn resolve(set: &str, last: u32) -> String {
        SequenceSet::parse(set.as_bytes())
            .unwrap()
            .resolve(last)
            .to_string()
    }

    #[test]
    fn ranges_run_either_way() {
        assert_eq!(resolve("2,4:7,9,12:*", 15), "2,4:7,9,12:15");
        assert_eq!(resolve("*:4,5:7", 10), "4:10");
        assert_eq!(resolve("559:*", 10), "10:559");
        assert_eq!(resolve("*", 3), "3");
    }

    #[test]
    fn a_star_means_nothing_where_nothing_is() {
        assert_eq!(resolve("*", 0), "");
        assert_eq!(resolve("1:*", 0), "1");
    }

    #[test]
    fn what_is_not_a_set_is_refused() {
        for set in ["", "0", "1,", ",1", "1:", ":1", "1:2:3", "4294967296", "a"] {
            assert!(SequenceSet::parse(set.as_bytes()).is_none(), "{set}");
        }
    }
}
