//! Header values and part bodies as UTF-8, for search and display, never for the wire. Invalid input is
//! shown as well as possible.

mod charset;
mod encoded_word;
mod parameter;
mod transfer;

#[cfg(test)]
mod tests;

pub use charset::TextDecoder;
pub(crate) use charset::is_charset;
pub(crate) use encoded_word::is_unclear;
pub use encoded_word::unstructured;
pub(crate) use parameter::is_of_unknown_charset;
pub use parameter::{extended, percent_decoded};
pub use transfer::TransferDecoder;
pub(crate) use transfer::hex_pair;

/// A `Date:` value in seconds since 1970, parsed as in RFC 5256 §2.2: an unknown zone counts as UTC, an
/// invalid time as 00:00:00. `None` without a valid day.
#[must_use]
pub fn date(value: &[u8]) -> Option<i64> {
    let value = crate::header::unfold(value);
    let value = std::str::from_utf8(&value).ok()?;
    let mut date = mail_parser::DateTime::parse_rfc822(value)?;
    if date.second == 60 {
        // A leap second (RFC 5322 §3.3).
        date.second = 59;
    }
    if !date.is_valid() {
        (date.hour, date.minute, date.second) = (0, 0, 0);
    }
    date.is_valid().then(|| date.to_timestamp())
}
