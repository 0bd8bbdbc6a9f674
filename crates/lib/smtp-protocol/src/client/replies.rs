//! Parses replies (RFC 5321 §4.2) of possibly faulty servers.

use bytes::{Buf as _, BytesMut};
use memchr::memchr;

use crate::{EnhancedCode, Reply};

/// RFC 5321 §4.5.3.1.5 allows 512 octets; some servers send more.
const MAX_LINE: usize = 4 * 1024;
/// Maximum size of all lines of a reply.
const MAX_REPLY: usize = 64 * 1024;

/// The input is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoReply;

/// Collects the lines of a reply.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    code: Option<u16>,
    enhanced: Option<EnhancedCode>,
    text: String,
    size: usize,
}

impl ReplyReader {
    /// Takes the next complete reply from the input; `None` if there is none yet.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, NoReply> {
        while let Some(end) = memchr(b'\n', input) {
            let line = input.split_to(end + 1);
            self.size += line.len();
            if line.len() > MAX_LINE || self.size > MAX_REPLY {
                return Err(NoReply);
            }
            let mut content = &line[..end];
            content = content.strip_suffix(b"\r").unwrap_or(content);
            if self.line(content)? {
                return Ok(Some(self.finish()));
            }
        }
        if input.remaining() > MAX_LINE {
            return Err(NoReply);
        }
        Ok(None)
    }

    /// Handles a line; true if it is the last.
    fn line(&mut self, line: &[u8]) -> Result<bool, NoReply> {
        let (digits, rest) = line.split_at_checked(3).ok_or(NoReply)?;
        let code = std::str::from_utf8(digits)
            .ok()
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse::<u16>().ok())
            .filter(|code| (200..600).contains(code))
            .ok_or(NoReply)?;
        // Lines with different codes are an invalid reply: the first code would be a guess.
        let first = self.code.is_none();
        if *self.code.get_or_insert(code) != code {
            return Err(NoReply);
        }
        let (last, text) = match rest {
            [] => (true, &b""[..]),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(NoReply),
        };
        self.add(&clean(text), code, first);
        Ok(last)
    }

    /// Each line repeats the enhanced code (RFC 2034 §4); it is stored once.
    fn add(&mut self, text: &str, code: u16, first: bool) {
        let split = EnhancedCode::split(text)
            .filter(|(enhanced, _)| u16::from(enhanced.class) == code / 100);
        let text = match split {
            Some((enhanced, text)) if first || self.enhanced == Some(enhanced) => {
                self.enhanced = Some(enhanced);
                text
            }
            _ => text,
        };
        if !first {
            self.text.push('\n');
        }
        self.text.push_str(text);
    }

    fn finish(&mut self) -> Reply {
        let Self {
            code,
            enhanced,
            text,
            ..
        } = std::mem::take(self);
        Reply {
            code: code.unwrap_or(0),
            enhanced,
            text: text.into(),
        }
    }
}

/// The text is shown in logs and to people.
fn clean(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .filter(|character| !character.is_control())
        .collect()
}
