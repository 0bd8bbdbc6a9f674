//! Header values and part bodies as UTF-8: for search and for people, never for the wire. What
//! cannot be decoded is shown as well as it can be.

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

/// A `Date:` value in seconds since 1970; `None` when it cannot be read.
#[must_use]
pub fn date(value: &[u8]) -> Option<i64> {
    let value = crate::header::unfold(value);
    let value = std::str::from_utf8(&value).ok()?;
    let date = mail_parser::DateTime::parse_rfc822(value)?;
    date.is_valid().then(|| date.to_timestamp())
}
