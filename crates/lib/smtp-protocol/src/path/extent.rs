//! Where a path stands in the arguments of MAIL and RCPT.
//!
//! `path_within` of the crate `rules` reads a path alone in the same way.

use super::PathError;

/// The content of a path, without brackets, and the rest behind it.
type Extent<'a> = Result<(&'a str, &'a str), PathError>;

/// The brackets may both be missing, as some devices omit them: then the path ends at the first blank.
pub(super) fn strict(text: &str) -> Extent<'_> {
    let (inner, rest) = match text.strip_prefix('<') {
        Some(inner) => closed(inner).ok_or(PathError::Syntax)?,
        None if text.is_empty() => return Err(PathError::Syntax),
        None => text.split_at(unquoted(text, b" ").unwrap_or(text.len())),
    };
    if rest.is_empty() || rest.starts_with(' ') {
        Ok((inner, rest))
    } else {
        Err(PathError::Syntax)
    }
}

/// Of leniently treated peers: a display name before the brackets, blanks within them, one bracket alone,
/// and no blank before a parameter. What could be two addresses is none.
pub(super) fn lenient(text: &str) -> Extent<'_> {
    let bracketed = bracketed(text);
    let is_named = bracketed.is_some() && !text.starts_with('<');
    if let Ok((inner, rest)) = strict(text)
        && !is_named
        && !inner.contains(['<', '>', ' '])
    {
        return Ok((inner, rest));
    }
    let (inner, rest) = bracketed
        .and_then(closed)
        .unwrap_or_else(|| unclosed(bracketed.unwrap_or(text)));
    let inner = inner.trim_matches(' ');
    let is_separated =
        rest.is_empty() || rest.starts_with(|c: char| c == ' ' || c.is_ascii_alphanumeric());
    if inner.is_empty() || !is_separated {
        return Err(PathError::Syntax);
    }
    Ok((inner, rest))
}

/// The text after the opening bracket, which may follow a display name.
fn bracketed(text: &str) -> Option<&str> {
    let at = unquoted(text, b"<")?;
    is_display_name(&text[..at]).then(|| &text[at + 1..])
}

/// Splits at the closing bracket.
fn closed(inner: &str) -> Option<(&str, &str)> {
    let end = unquoted(inner, b">")?;
    Some((&inner[..end], &inner[end + 1..]))
}

/// Splits at the first blank, or at a closing bracket.
fn unclosed(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches(' ');
    let (inner, rest) = text.split_at(unquoted(text, b" >").unwrap_or(text.len()));
    (inner, rest.strip_prefix('>').unwrap_or(rest))
}

/// A display name holds nothing that might be an address, a list, a route or a parameter.
fn is_display_name(text: &str) -> bool {
    !text.contains(|c: char| "@=,:;<>".contains(c) || c.is_control())
}

/// The position of the first of the octets outside a quoted string.
fn unquoted(text: &str, wanted: &[u8]) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if wanted.contains(&byte) && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}
