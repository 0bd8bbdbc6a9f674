//! Replies (RFC 5321 §4.2) and enhanced status codes (RFC 3463), for both sides of a session. The text of a
//! reply is visible to the peer: it never contains an internal cause.

use std::borrow::Cow;
use std::fmt;

use bytes::{BufMut, BytesMut};

/// An enhanced status code `class.subject.detail` (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedCode {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    pub class: u8,
    /// The subject: 1 address, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// The detail.
    pub detail: u16,
}

impl EnhancedCode {
    /// The code `class.subject.detail`.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject,
            detail,
        }
    }

    /// Parses a code at the start of a reply's text; the remaining text begins one space after it.
    pub fn split(text: &str) -> Option<(Self, &str)> {
        let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut numbers = code.split('.');
        let class = numbers.next()?;
        let subject = number(numbers.next()?)?;
        let detail = number(numbers.next()?)?;
        if numbers.next().is_some() {
            return None;
        }
        let class = match class {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        Some((Self::new(class, subject, detail), rest))
    }
}

/// One to three digits.
fn number(text: &str) -> Option<u16> {
    if text.is_empty() || text.len() > 3 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// One reply, of one or more lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The enhanced code; each line carries it when written.
    pub enhanced: Option<EnhancedCode>,
    /// The text without codes; lines are separated by `\n`.
    pub text: Cow<'static, str>,
}

impl Reply {
    /// A reply with an enhanced code whose class is that of the code.
    pub const fn new(code: u16, subject: u16, detail: u16, text: &'static str) -> Self {
        Self {
            code,
            enhanced: Some(EnhancedCode::new((code / 100) as u8, subject, detail)),
            text: Cow::Borrowed(text),
        }
    }

    /// A reply without an enhanced code: greetings, EHLO's, and those of code 3xx.
    pub const fn plain(code: u16, text: &'static str) -> Self {
        Self {
            code,
            enhanced: None,
            text: Cow::Borrowed(text),
        }
    }

    /// The same codes with another text.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.text = text.into();
        self
    }

    /// 2xx.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 3xx: continue.
    pub fn is_intermediate(&self) -> bool {
        self.code / 100 == 3
    }

    /// 4xx: a retry may succeed.
    pub fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    /// 5xx: a retry will fail.
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The lines of the text.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n')
    }

    /// Writes the wire form.
    pub fn write(&self, output: &mut BytesMut) {
        let mut lines = self.lines().peekable();
        while let Some(line) = lines.next() {
            output.reserve(line.len() + 16);
            put_number(output, self.code);
            output.put_u8(if lines.peek().is_some() { b'-' } else { b' ' });
            if let Some(enhanced) = self.enhanced {
                put_number(output, enhanced.class.into());
                output.put_u8(b'.');
                put_number(output, enhanced.subject);
                output.put_u8(b'.');
                put_number(output, enhanced.detail);
                output.put_u8(b' ');
            }
            output.put_slice(line.as_bytes());
            output.put_slice(b"\r\n");
        }
    }
}

/// At most four digits, without an allocation.
fn put_number(output: &mut BytesMut, number: u16) {
    let mut started = false;
    for unit in [1000, 100, 10, 1] {
        let digit = number / unit % 10;
        started |= digit != 0 || unit == 1;
        if started {
            output.put_u8(b'0' + digit as u8);
        }
    }
}

impl fmt::Display for Reply {
    /// One line, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        for line in self.lines() {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_carries_both_codes() {
        let mut output = BytesMut::new();
        Reply::new(550, 7, 1, "No\nreally").write(&mut output);
        assert_eq!(&output[..], b"550-5.7.1 No\r\n550 5.7.1 really\r\n");
    }

    #[test]
    fn numbers_have_no_leading_zeros() {
        let mut output = BytesMut::new();
        Reply::new(250, 0, 105, "").write(&mut output);
        assert_eq!(&output[..], b"250 2.0.105 \r\n");
    }

    #[test]
    fn an_enhanced_code_is_split_off() {
        assert_eq!(
            EnhancedCode::split("5.1.1 No such user"),
            Some((EnhancedCode::new(5, 1, 1), "No such user"))
        );
        for text in [
            "",
            "5.1",
            "3.1.1 x",
            "5.1.1.1 x",
            "5.1000.1 x",
            "5..1 x",
            "2.0.x y",
        ] {
            assert_eq!(EnhancedCode::split(text), None, "{text}");
        }
    }
}
