//! The authors of a message (RFC 5322 §3.6.2), as addresses of the rules.

use message::header::AddrSpec;
use rules::{EmailAddress, Host};

/// The addresses in the From fields of a header section, and others that a reader may take for authors;
/// `None` is an entry that is no address.
pub fn authors(header: &[u8]) -> impl Iterator<Item = Option<EmailAddress>> {
    message::header::authors(header)
        .into_iter()
        .map(|author| parse(&author))
}

fn parse(author: &AddrSpec) -> Option<EmailAddress> {
    let local = std::str::from_utf8(&author.local).ok()?;
    let host = std::str::from_utf8(&author.domain).ok()?;
    let host = Host::parse_written(host).ok()?;
    EmailAddress::of_unquoted(local, host).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: &str) -> Vec<String> {
        let header = format!("Subject: x\r\nFrom: {from}\r\n\r\n");
        let shown = |author: Option<EmailAddress>| author.map_or("-".to_owned(), |a| a.to_string());
        authors(header.as_bytes()).map(shown).collect()
    }

    #[test]
    fn everybody_whom_a_reader_could_take_for_an_author_is_one() {
        let rows: [(&str, &[&str]); 16] = [
            ("bob@x.test <bob@x.test>", &["bob@x.test"]),
            ("bob@x.test <Bob@X.test.>", &["Bob@x.test"]),
            ("eve@y.test <bob@x.test>", &["bob@x.test", "eve@y.test"]),
            ("bob@x.test eve@y.test", &["bob@x.test", "eve@y.test"]),
            ("bob@x.test@y.test", &["bob@x.test", "x.test@y.test"]),
            ("B bob@x.test", &["bob@x.test"]),
            ("B @ work <bob@x.test>", &["bob@x.test"]),
            ("Bee, Bob <bob@x.test>", &["bob@x.test"]),
            (
                "\"Bee, Bob\" <bob@x.test>, eve@y.test",
                &["bob@x.test", "eve@y.test"],
            ),
            ("us: bob@x.test, eve@y.test;", &["bob@x.test", "eve@y.test"]),
            (
                "\"b b\"@x.test, b..b@x.test",
                &["\"b b\"@x.test", "\"b..b\"@x.test"],
            ),
            ("bob@[192.0.2.1]", &["bob@[192.0.2.1]"]),
            ("bob@192.0.2.1", &["bob@[192.0.2.1]"]),
            ("bob", &["-"]),
            ("bob@x_?.test", &["-"]),
            ("", &[]),
        ];
        for (from, expected) in rows {
            assert_eq!(read(from), expected, "{from}");
        }
        let many = read(&"bob@x.test, ".repeat(3_000));
        assert_eq!(many.last().map(String::as_str), Some("-"));
    }
}
