//! Status lines: `+OK …`, `-ERR …`, and `+ …` during AUTH (RFC 5034).

use bytes::BytesMut;
use memchr::memchr;

/// Maximum length of a line that is read completely, with its end. RFC 1939 §3 allows 512; servers send
/// more.
pub const LONGEST_LINE: usize = 4096;

/// The stored part of a longer line, followed by a [`CUT`] for each omitted buffer.
const KEPT: usize = 512;

/// Marks the omitted part of a line. No valid line contains it.
const CUT: u8 = b'\0';

/// Maximum number of [`LONGEST_LINE`] buffers in one line: about a megabyte.
const MOST_CUTS: usize = 256;

/// A server's status line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+OK` with its text.
    Ok(String),
    /// `-ERR` with its text.
    Err(String),
    /// `+ `: continue.
    Continue(String),
}

/// A peer that does not speak POP3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line that is too long.
    #[error("a line of the server is too long")]
    TooLong,
    /// Neither `+OK` nor `-ERR`.
    #[error("the server's answer is neither +OK nor -ERR")]
    NotPop3,
}

impl Reply {
    /// Takes a status line from the input; `None` if it is incomplete.
    pub fn take(input: &mut BytesMut) -> Result<Option<Self>, ReplyError> {
        let Some(line) = take_line(input)? else {
            return Ok(None);
        };
        let text = |rest: &[u8]| String::from_utf8_lossy(rest.trim_ascii()).into_owned();
        let status = line.get(..4).unwrap_or(&line);
        if line.starts_with(b"+OK") || status.eq_ignore_ascii_case(b"+ok ") {
            Ok(Some(Self::Ok(text(&line[3..]))))
        } else if status.eq_ignore_ascii_case(b"-err") {
            Ok(Some(Self::Err(text(&line[4..]))))
        } else if line.first() == Some(&b'+') {
            Ok(Some(Self::Continue(text(&line[1..]))))
        } else {
            Err(ReplyError::NotPop3)
        }
    }
}

/// Takes a line from the input, without its end. If it is longer than [`LONGEST_LINE`], only its start is
/// returned, with a NUL after it: one odd line must not end a session.
pub(crate) fn take_line(input: &mut BytesMut) -> Result<Option<BytesMut>, ReplyError> {
    let Some(end) = memchr(b'\n', input) else {
        if input.len() >= LONGEST_LINE {
            shorten(input)?;
        }
        return Ok(None);
    };
    let mut line = input.split_to(end + 1);
    line.truncate(end);
    if line.last() == Some(&b'\r') {
        line.truncate(end - 1);
    }
    if line.len() >= LONGEST_LINE {
        line.truncate(KEPT);
        line.extend_from_slice(&[CUT]);
    }
    Ok(Some(line))
}

/// Drops the end of an incomplete line, and counts how often.
fn shorten(input: &mut BytesMut) -> Result<(), ReplyError> {
    let cuts = input[KEPT..]
        .iter()
        .take_while(|&&byte| byte == CUT)
        .count();
    if cuts >= MOST_CUTS {
        return Err(ReplyError::TooLong);
    }
    input.truncate(KEPT + cuts);
    input.extend_from_slice(&[CUT]);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    fn take(text: &str) -> Result<Option<Reply>, ReplyError> {
        Reply::take(&mut BytesMut::from(text))
    }

    #[test]
    fn status_lines_are_told_apart() {
        for (line, reply) in [
            ("+OK\r\n", Reply::Ok(String::new())),
            ("+OK 2 320\r\n", Reply::Ok("2 320".to_owned())),
            ("+ok hi\n", Reply::Ok("hi".to_owned())),
            ("-ERR [AUTH] no\r\n", Reply::Err("[AUTH] no".to_owned())),
            ("-ERR\r\n", Reply::Err(String::new())),
            ("+ \r\n", Reply::Continue(String::new())),
            ("+\r\n", Reply::Continue(String::new())),
        ] {
            assert_eq!(take(line), Ok(Some(reply)), "{line:?}");
        }
    }

    #[test]
    fn what_is_not_complete_is_waited_for_and_what_is_endless_is_not() {
        assert_eq!(take("+OK hel"), Ok(None));
        let mut input = BytesMut::new();
        let mut buffers = 0;
        let error = loop {
            input.extend_from_slice(&[b'+'; LONGEST_LINE]);
            match Reply::take(&mut input) {
                Ok(found) => assert_eq!(found, None),
                Err(error) => break error,
            }
            assert!(input.len() < LONGEST_LINE);
            buffers += 1;
        };
        assert_eq!((error, buffers), (ReplyError::TooLong, MOST_CUTS));
    }

    #[test]
    fn the_beginning_of_a_long_line_is_taken_however_it_comes() {
        let line = format!("+OK {}\r\n+OK next\r\n", "g".repeat(3 * LONGEST_LINE));
        for size in [1, 100, LONGEST_LINE, line.len()] {
            let mut input = BytesMut::new();
            let mut replies = Vec::new();
            for piece in line.as_bytes().chunks(size) {
                input.extend_from_slice(piece);
                while let Some(reply) = Reply::take(&mut input).unwrap() {
                    replies.push(reply);
                }
            }
            let [Reply::Ok(long), next] = replies.as_slice() else {
                panic!("{replies:?}");
            };
            assert!(long.starts_with("ggg") && long.len() < LONGEST_LINE);
            assert_eq!(*next, Reply::Ok("next".to_owned()));
        }
    }

    #[test]
    fn another_protocol_is_noticed() {
        for line in ["220 smtp ready\r\n", "* OK imap\r\n", "\r\n", "-E\r\n"] {
            assert_eq!(take(line), Err(ReplyError::NotPop3), "{line:?}");
        }
    }
}
