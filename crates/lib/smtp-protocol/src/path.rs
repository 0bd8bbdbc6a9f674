//! Paths of MAIL and RCPT (RFC 5321 §4.1.2), parsed once into a valid value.
//!
//! The meaning of a domain, and whether it is ours, is not known here.

mod extent;

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Maximum length of a path with angle brackets (RFC 5321 §4.5.3.1.3 requires 256; non-ASCII characters
/// count by octets).
const PATH_LIMIT: usize = 512;
/// RFC 5321 §4.5.3.1.2.
const DOMAIN_LIMIT: usize = 255;

/// A mailbox `local-part@domain` as written; quotes of the local part are kept. A local part with misplaced
/// dots (`a..b`, `a.`) is quoted, a domain loses its final dot, and an address literal without its brackets
/// or its tag (`192.0.2.1`) gets them: the meaning is the same, and every other server accepts it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    text: String,
    at: usize,
}

impl Mailbox {
    /// Parses a whole text as a mailbox.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > PATH_LIMIT {
            return Err(PathError::TooLong);
        }
        let end = local_part(text)?;
        let (local, rest) = text.split_at(end);
        let domain = rest.strip_prefix('@').ok_or(PathError::Syntax)?;
        let domain = as_literal(without_last_dot(domain));
        check_domain(&domain)?;
        let must_be_quoted = !local.starts_with('"') && local.split('.').any(str::is_empty);
        let quote = if must_be_quoted { "\"" } else { "" };
        let text = format!("{quote}{local}{quote}@{domain}");
        if text.len() > PATH_LIMIT {
            return Err(PathError::TooLong);
        }
        Ok(Self {
            at: text.len() - domain.len() - 1,
            text,
        })
    }

    /// The whole mailbox.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the `@`.
    pub fn local_part(&self) -> &str {
        &self.text[..self.at]
    }

    /// The part after the `@`: a domain, or an address literal in brackets.
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// Whether it can be used without SMTPUTF8 (RFC 6531).
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.text)
    }
}

/// A path in angle brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// `<>`, the null reverse-path.
    Null,
    /// `<Postmaster>` without a domain (RFC 5321 §4.1.1.3).
    Postmaster,
    /// `<mailbox>`; a source route before it is dropped (RFC 5321 appendix C).
    Mailbox(Mailbox),
    /// `<root>`, a local part without a domain: the driver decides its meaning. Only from leniently treated
    /// peers ([`Terms::lenient`](crate::server::Terms::lenient)).
    Local(String),
}

impl Path {
    /// Whether it can be used without SMTPUTF8 (RFC 6531).
    pub fn is_ascii(&self) -> bool {
        match self {
            Self::Null | Self::Postmaster => true,
            Self::Mailbox(mailbox) => mailbox.is_ascii(),
            Self::Local(local) => local.is_ascii(),
        }
    }

    /// Parses a path at the start of `text` and returns the rest.
    pub(crate) fn split(text: &str, lenient: bool) -> Result<(Self, &str), PathError> {
        let (inner, rest) = if lenient {
            extent::lenient(text)?
        } else {
            extent::strict(text)?
        };
        if inner.is_empty() {
            return Ok((Self::Null, rest));
        }
        if inner.eq_ignore_ascii_case("postmaster") {
            return Ok((Self::Postmaster, rest));
        }
        let mailbox = without_source_route(inner)?;
        if lenient && is_local_part(mailbox) {
            return Ok((Self::Local(mailbox.to_owned()), rest));
        }
        Mailbox::parse(mailbox).map(|mailbox| (Self::Mailbox(mailbox), rest))
    }
}

/// The reason why a path was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not follow the grammar.
    #[error("malformed path")]
    Syntax,
    /// Path or domain is over its limit.
    #[error("path too long")]
    TooLong,
}

/// `@one,@two:mailbox` → `mailbox`.
fn without_source_route(text: &str) -> Result<&str, PathError> {
    if !text.starts_with('@') {
        return Ok(text);
    }
    let (mut route, mut mailbox) = text.split_once(':').ok_or(PathError::Syntax)?;
    // The colon of an IPv6 literal does not end the route.
    while route.rfind('[') > route.rfind(']') {
        let more = mailbox.find(':').ok_or(PathError::Syntax)?;
        route = &text[..route.len() + 1 + more];
        mailbox = &mailbox[more + 1..];
    }
    for hop in route.split(',') {
        check_domain(hop.strip_prefix('@').ok_or(PathError::Syntax)?)?;
    }
    Ok(mailbox)
}

/// The length of the local part at the start of `text`. Its dots may be misplaced: `a..b@` and `a.@` are in
/// use, and unambiguous.
fn local_part(text: &str) -> Result<usize, PathError> {
    if text.starts_with('"') {
        return quoted_string(text);
    }
    let end = text.find('@').ok_or(PathError::Syntax)?;
    if is_dotted(&text[..end]) {
        Ok(end)
    } else {
        Err(PathError::Syntax)
    }
}

fn is_dotted(local: &str) -> bool {
    !local.is_empty() && local.bytes().all(|byte| byte == b'.' || is_atext(byte))
}

/// Whether the whole text is a local part that needs no quotes.
fn is_local_part(text: &str) -> bool {
    is_dotted(text) && !text.split('.').any(str::is_empty)
}

/// `example.test.` is the same name as `example.test`.
fn without_last_dot(domain: &str) -> &str {
    match domain.strip_suffix('.') {
        Some(name) if !name.ends_with('.') => name,
        _ => domain,
    }
}

/// An IP address alone can be an address literal only.
fn as_literal(domain: &str) -> Cow<'_, str> {
    let inner = domain
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    match inner.unwrap_or(domain).parse() {
        Ok(IpAddr::V4(v4)) if inner.is_none() => format!("[{v4}]").into(),
        Ok(IpAddr::V6(v6)) => format!("[IPv6:{v6}]").into(),
        _ => domain.into(),
    }
}

/// The length of the quoted string at the start of `text`, quotes included.
fn quoted_string(text: &str) -> Result<usize, PathError> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            0..=31 | 127 => return Err(PathError::Syntax),
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Ok(at + 1),
            _ => {}
        }
    }
    Err(PathError::Syntax)
}

/// RFC 5322 §3.2.3, and UTF-8 (RFC 6531 §3.3).
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn check_domain(domain: &str) -> Result<(), PathError> {
    if domain.len() > DOMAIN_LIMIT {
        return Err(PathError::TooLong);
    }
    let well_formed = match domain.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(is_address),
        None => domain.split('.').all(is_label),
    };
    if well_formed {
        Ok(())
    } else {
        Err(PathError::Syntax)
    }
}

/// A label; underscores, and hyphens at the end, are invalid in host names, but in use.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b >= 0x80 || b == b'-' || b == b'_')
}

/// The content of an address literal (RFC 5321 §4.1.3).
fn is_address(text: &str) -> bool {
    match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => text[5..].parse::<Ipv6Addr>().is_ok(),
        _ => text.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Whether a leniently treated peer may use this name in HELO and EHLO: any text, or none.
pub(crate) fn is_lenient_hello_name(name: &str) -> bool {
    name.len() <= DOMAIN_LIMIT && !name.contains(char::is_control)
}

/// Whether HELO and EHLO accept this name: a domain or an address literal. Names unsuitable for a Received
/// header are refused; the truth of a name is not checked.
pub(crate) fn is_hello_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= DOMAIN_LIMIT
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failing test may panic.

    use super::*;

    #[test]
    fn what_rfc_5321_allows_is_taken() {
        for text in [
            "a@b",
            "first.last+tag@example.test",
            "\"a b\"@example.test",
            "\"a\\\"@<>\"@example.test",
            "a@[192.0.2.1]",
            "a@[IPv6:::1]",
            "jörg@bücher.example",
            "x@_dmarc.example.test",
            "x@canon-.local",
        ] {
            let mailbox = Mailbox::parse(text).ok();
            assert_eq!(mailbox.as_ref().map(Mailbox::as_str), Some(text));
        }
    }

    #[test]
    fn what_it_does_not_is_refused() {
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@b",
            "a..b",
            "a b@c",
            "a@b c",
            "a@-b",
            "a@b..c",
            "a@b..",
            "a@.",
            "a@[1.2.3]",
            "a@[IPv6:192.0.2.1]",
            "a@192.0.2.1]",
            "a@[IPv6:x]",
            "\"a@b",
            "\"a\"b@c",
            "a@b@c",
            "a\u{7f}@b",
            "\"a\tb\"@c",
        ] {
            assert_eq!(Mailbox::parse(text), Err(PathError::Syntax), "{text:?}");
        }
    }

    #[test]
    fn what_can_mean_one_thing_only_is_taken_and_written_by_the_rules() {
        for (text, written, local) in [
            ("a..b@c.test", "\"a..b\"@c.test", "\"a..b\""),
            ("a.@c.test", "\"a.\"@c.test", "\"a.\""),
            (".a@c.test", "\".a\"@c.test", "\".a\""),
            ("a@c.test.", "a@c.test", "a"),
            ("\"a..b\"@c.test.", "\"a..b\"@c.test", "\"a..b\""),
        ] {
            let mailbox = Mailbox::parse(text).unwrap();
            assert_eq!(mailbox.as_str(), written);
            assert_eq!(mailbox.local_part(), local);
            assert_eq!(mailbox.domain(), "c.test");
            assert_eq!(Mailbox::parse(written), Ok(mailbox));
        }
        for (text, written) in [
            ("a@192.168.1.20", "a@[192.168.1.20]"),
            ("a@192.168.1.20.", "a@[192.168.1.20]"),
            ("a@[2001:DB8::1]", "a@[IPv6:2001:db8::1]"),
            ("a@2001:db8::1", "a@[IPv6:2001:db8::1]"),
        ] {
            let mailbox = Mailbox::parse(text).unwrap();
            assert_eq!(mailbox.as_str(), written);
            assert_eq!(Mailbox::parse(written), Ok(mailbox));
        }
    }

    #[test]
    fn brackets_may_be_missing_and_a_domain_where_the_peer_is_treated_leniently() {
        let read = |text| Path::split(text, true).map(|(path, rest)| (format!("{path:?}"), rest));
        assert_eq!(
            read("a@b.test SIZE=1"),
            Ok(("Mailbox(<a@b.test>)".into(), " SIZE=1"))
        );
        assert_eq!(
            read("\"a b\"@c.test"),
            Ok(("Mailbox(<\"a b\"@c.test>)".into(), ""))
        );
        assert_eq!(read("<root> X"), Ok(("Local(\"root\")".into(), " X")));
        assert_eq!(read("root"), Ok(("Local(\"root\")".into(), "")));
        for text in ["<ro ot>", "<a..b>", "<\"a\">"] {
            assert_eq!(Path::split(text, true), Err(PathError::Syntax), "{text:?}");
        }
        for text in ["<root>", "root"] {
            assert_eq!(Path::split(text, false), Err(PathError::Syntax), "{text:?}");
        }
    }

    #[test]
    fn a_lenient_peer_may_write_what_can_be_one_address_only() {
        for (text, rest) in [
            ("\"Scanner\" <a@b.test> X", " X"),
            ("Scanner 2 <a@b.test>", ""),
            ("Scanner<a@b.test>", ""),
            ("<a@b.test >", ""),
            ("< a@b.test> X", " X"),
            ("<a@b.test", ""),
            ("<a@b.test X=1", " X=1"),
            ("< a@b.test X", " X"),
            ("a@b.test>", ""),
            ("a@b.test> X", " X"),
            ("<a@b.test>SIZE=10", "SIZE=10"),
            ("a@b.test AUTH=<>", " AUTH=<>"),
        ] {
            let (path, behind) = Path::split(text, true).unwrap();
            assert_eq!(format!("{path:?}"), "Mailbox(<a@b.test>)", "{text}");
            assert_eq!(behind, rest, "{text}");
        }
        for text in [
            "<",
            ">",
            "< >",
            "Scanner <>",
            "Scanner",
            "\"Scanner\" a@b.test",
            "<a@b.test><c@d.test>",
            "<<a@b.test>>",
            "<a@b.test c@d.test>",
            "a@b.test,c@d.test",
            "c@d.test, <a@b.test>",
            "<a@b.test>,<c@d.test>",
            "group: <a@b.test>",
            "<a@b.test>\tX",
        ] {
            let path = Path::split(text, true);
            let is_local = matches!(path, Ok((Path::Local(_), _)));
            assert_eq!(is_local, text == "Scanner", "{text}");
            assert!(is_local || path.is_err(), "{text}: {path:?}");
        }
    }

    #[test]
    fn a_path_ends_at_its_bracket_and_loses_its_route() {
        let read = |text| Path::split(text, false).map(|(path, rest)| (format!("{path:?}"), rest));
        assert_eq!(read("<> SIZE=1"), Ok(("Null".into(), " SIZE=1")));
        assert_eq!(read("<postMASTER>"), Ok(("Postmaster".into(), "")));
        assert_eq!(
            read("<@[IPv6:2001:db8::1],@b.test:a@c.test>"),
            Ok(("Mailbox(<a@c.test>)".into(), ""))
        );
        assert_eq!(
            read("<@a.test,@b.test:\"x>y\"@c.test> X"),
            Ok(("Mailbox(<\"x>y\"@c.test>)".into(), " X"))
        );
        for text in ["", "<", "a@b>", "<a@b", "<a@b>x", "<@a:b>", "<@a>"] {
            assert_eq!(Path::split(text, false), Err(PathError::Syntax), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let domain = format!("a@{}", "b.".repeat(128) + "c");
        assert_eq!(Mailbox::parse(&domain), Err(PathError::TooLong));
        let local = format!("{}@b", "a".repeat(600));
        assert_eq!(Mailbox::parse(&local), Err(PathError::TooLong));
    }
}
