//! Status lines: `+OK …`, `-ERR …`, and `+ …` in the course of AUTH (RFC 5034).

use bytes::BytesMut;
use memchr::memchr;

/// Longest line that is read, its end included. RFC 1939 §3 says 512; servers are chatty.
pub const LONGEST_LINE: usize = 4096;

/// A server's status line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+OK`, and what it says.
    Ok(String),
    /// `-ERR`, and what it says.
    Err(String),
    /// `+ `: go on.
    Continue(String),
}

/// A peer that does not speak POP3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// No end within [`LONGEST_LINE`].
    #[error("a line of the server is longer than {LONGEST_LINE} octets")]
    TooLong,
    /// Neither `+OK` nor `-ERR`.
    #[error("the server's answer is neither +OK nor -ERR")]
    NotPop3,
    /// A line of a listing that is none.
    #[error("a line of the server's listing cannot be read")]
    NotAListing,
}

impl Reply {
    /// Takes a status line from the input; nothing when it has not come whole.
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

/// Takes a line from the input, without its end.
pub(crate) fn take_line(input: &mut BytesMut) -> Result<Option<BytesMut>, ReplyError> {
    let Some(end) = memchr(b'\n', input) else {
        if input.len() >= LONGEST_LINE {
            return Err(ReplyError::TooLong);
        }
        return Ok(None);
    };
    if end >= LONGEST_LINE {
        return Err(ReplyError::TooLong);
    }
    let mut line = input.split_to(end + 1);
    line.truncate(end);
    if line.last() == Some(&b'\r') {
        line.truncate(end - 1);
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
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
        assert_eq!(take(&"+".repeat(LONGEST_LINE)), Err(ReplyError::TooLong));
    }

    #[test]
    fn another_protocol_is_noticed() {
        for line in ["220 smtp ready\r\n", "* OK imap\r\n", "\r\n", "-E\r\n"] {
            assert_eq!(take(line), Err(ReplyError::NotPop3), "{line:?}");
        }
    }
}
