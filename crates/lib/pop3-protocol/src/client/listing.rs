//! The listings of UIDL, LIST and CAPA, parsed line by line.

use bytes::BytesMut;

use super::reply::{ReplyError, take_line};

/// RFC 1939 §7 allows 70 characters; longer ones are accepted.
const LONGEST_UIDL: usize = 255;

/// A line of UIDL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUidl {
    /// The message's number in this session.
    pub number: u32,
    /// Its identifier in all sessions.
    pub uidl: String,
}

/// A line of LIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedSize {
    /// The message's number in this session.
    pub number: u32,
    /// Its size as counted by the server.
    pub size: u64,
}

/// One line of a multi-line response, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing<T> {
    /// A line.
    Line(T),
    /// An invalid line, and the number at its start, if any. RFC 1939 §7 forbids such lines, but refusing
    /// the whole listing would refuse all mail.
    Odd(Option<u32>),
    /// The end.
    End,
}

impl Listing<ListedUidl> {
    /// Takes a line of UIDL from the input; `None` if it is incomplete.
    pub fn take_uidl(input: &mut BytesMut) -> Result<Option<Self>, ReplyError> {
        take(input, |number, rest| {
            let uidl = std::str::from_utf8(rest).ok()?;
            let proper = !uidl.is_empty() && uidl.bytes().all(|byte| byte.is_ascii_graphic());
            (proper && uidl.len() <= LONGEST_UIDL).then(|| ListedUidl {
                number,
                uidl: uidl.to_owned(),
            })
        })
    }
}

impl Listing<ListedSize> {
    /// Takes a line of LIST from the input; `None` if it is incomplete.
    pub fn take_size(input: &mut BytesMut) -> Result<Option<Self>, ReplyError> {
        take(input, |number, rest| {
            // RFC 1939 §5 allows additional text after the size.
            let size = rest.split(|&byte| byte == b' ').next()?;
            let size = std::str::from_utf8(size).ok()?.parse().ok()?;
            Some(ListedSize { number, size })
        })
    }
}

impl Listing<String> {
    /// Takes a line of CAPA from the input, in capitals; `None` if it is incomplete.
    pub fn take_capability(input: &mut BytesMut) -> Result<Option<Self>, ReplyError> {
        Ok(take_line(input)?.map(|line| match &line[..] {
            b"." => Self::End,
            line => Self::Line(String::from_utf8_lossy(line.trim_ascii()).to_ascii_uppercase()),
        }))
    }
}

/// Takes a line of a listing of messages: a number, and the rest parsed by `read`.
fn take<T>(
    input: &mut BytesMut,
    read: impl FnOnce(u32, &[u8]) -> Option<T>,
) -> Result<Option<Listing<T>>, ReplyError> {
    let Some(line) = take_line(input)? else {
        return Ok(None);
    };
    if &line[..] == b"." {
        return Ok(Some(Listing::End));
    }
    let line = line.trim_ascii();
    let end = line.iter().position(|&byte| byte == b' ');
    let (number, rest) = line.split_at(end.unwrap_or(line.len()));
    let Some(number) = message_number(number) else {
        return Ok(Some(Listing::Odd(None)));
    };
    let read = read(number, rest.trim_ascii());
    Ok(Some(read.map_or(Listing::Odd(Some(number)), Listing::Line)))
}

fn message_number(text: &[u8]) -> Option<u32> {
    let number: u32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read_to_its_end() {
        let mut input = BytesMut::from("1 a.b\r\n2  QhdPYR:00WBw1Ph7x7\r\n.\r\n+OK\r\n");
        let mut next = || Listing::take_uidl(&mut input);
        let line = |number, uidl: &str| {
            let uidl = uidl.to_owned();
            Ok(Some(Listing::Line(ListedUidl { number, uidl })))
        };
        assert_eq!(next(), line(1, "a.b"));
        assert_eq!(next(), line(2, "QhdPYR:00WBw1Ph7x7"));
        assert_eq!(next(), Ok(Some(Listing::End)));
        assert_eq!(input, "+OK\r\n");
    }

    #[test]
    fn a_size_may_be_followed_by_more() {
        let mut input = BytesMut::from("1 120 extra\r\n");
        let line = ListedSize {
            number: 1,
            size: 120,
        };
        assert_eq!(
            Listing::take_size(&mut input),
            Ok(Some(Listing::Line(line)))
        );
    }

    #[test]
    fn an_odd_line_is_told_from_others_and_ends_nothing() {
        let long = format!("1 {}\r\n", "V".repeat(5000));
        for (line, number) in [
            ("0 a\r\n", None),
            ("1\r\n", Some(1)),
            ("1 \r\n", Some(1)),
            ("x y\r\n", None),
            ("1 a b\r\n", Some(1)),
            ("1 \u{e4}\r\n", Some(1)),
            ("\r\n", None),
            ("99999999999 a\r\n", None),
            (&long, Some(1)),
        ] {
            let mut input = BytesMut::from(line);
            let taken = Listing::take_uidl(&mut input);
            assert_eq!(taken, Ok(Some(Listing::Odd(number))), "{line:?}");
            assert!(input.is_empty());
        }
        for size in ["-5", "", "x", "1x", "99999999999999999999999"] {
            let line = format!("1 {size}\r\n");
            let taken = Listing::take_size(&mut BytesMut::from(&line[..]));
            assert_eq!(taken, Ok(Some(Listing::Odd(Some(1)))), "{line:?}");
        }
    }
}
