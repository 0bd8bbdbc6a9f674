//! Splits a header section into fields.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// One field of a header section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name as written, without white space before the colon.
    pub name: &'a [u8],
    /// The text after the colon, with folding, without the final line break.
    pub value: &'a [u8],
    /// The whole field with its last line break.
    pub raw: &'a [u8],
}

impl Field<'_> {
    /// Whether the field has this name, ignoring case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header section in their order. Lines that are no field are skipped; the section ends at
/// the first empty line.
#[must_use]
pub fn fields(section: &[u8]) -> Fields<'_> {
    Fields { rest: section }
}

/// See [`fields`].
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            if self.rest.is_empty()
                || self.rest.starts_with(b"\n")
                || self.rest.starts_with(b"\r\n")
            {
                self.rest = &[];
                return None;
            }
            let length = field_length(self.rest);
            let (raw, rest) = self.rest.split_at(length);
            self.rest = rest;
            if let Some(field) = split(raw) {
                return Some(field);
            }
        }
    }
}

/// The header section without the fields selected by `unwanted`. Everything else is kept, including lines
/// that are no field.
#[must_use]
pub fn without<'a>(section: &'a [u8], unwanted: impl Fn(&Field<'_>) -> bool) -> Cow<'a, [u8]> {
    let mut kept = Vec::new();
    let mut copied = 0;
    for field in fields(section).filter(|field| unwanted(field)) {
        // A field is a slice of the section: its address gives its offset.
        let start = field.raw.as_ptr() as usize - section.as_ptr() as usize;
        kept.extend_from_slice(&section[copied..start]);
        copied = start + field.raw.len();
    }
    if copied == 0 {
        return Cow::Borrowed(section);
    }
    kept.extend_from_slice(&section[copied..]);
    Cow::Owned(kept)
}

/// Octets up to the first line break without a continuation line.
fn field_length(section: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr(b'\n', &section[at..]) {
        at += found + 1;
        match section.get(at) {
            // A line with only blanks also continues the field (RFC 5322 §4.2).
            Some(b' ' | b'\t') => {}
            _ => return at,
        }
    }
    section.len()
}

fn split(raw: &[u8]) -> Option<Field<'_>> {
    let colon = memchr2(b':', b'\n', raw).filter(|&at| raw[at] == b':')?;
    let name = raw[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().all(|byte| (33..=126).contains(byte)) {
        return None;
    }
    let mut value = &raw[colon + 1..];
    value = value.strip_suffix(b"\n").unwrap_or(value);
    value = value.strip_suffix(b"\r").unwrap_or(value);
    Some(Field { name, value, raw })
}

/// The value without folding (RFC 5322 §2.2.3), NUL and surrounding white space.
#[must_use]
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if value
        .iter()
        .all(|byte| !matches!(byte, b'\r' | b'\n' | b'\0'))
    {
        return Cow::Borrowed(value);
    }
    Cow::Owned(
        value
            .iter()
            .copied()
            .filter(|byte| !matches!(byte, b'\r' | b'\n' | b'\0'))
            .collect(),
    )
}
