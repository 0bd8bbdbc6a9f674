//! Message-IDs in Message-ID, In-Reply-To and References (RFC 5322 §3.6.4), normalised for comparison as in
//! RFC 5256 §3: white space, comments and quotes are removed, case is kept.

use bytes::Bytes;

/// Longer Message-IDs are invalid: a line has at most 998 octets (RFC 5322 §2.1.1).
const MAX_ID: usize = 1_000;

/// The valid Message-IDs of a raw field value, in their order, without angle brackets.
///
/// A Message-ID is in angle brackets and has text on both sides of its `@`. Other text is ignored:
/// In-Reply-To used to be free text (RFC 5322 §4.5.4).
pub fn message_ids(value: &[u8]) -> impl Iterator<Item = Bytes> {
    let mut rest = value;
    std::iter::from_fn(move || {
        loop {
            let start = memchr::memchr(b'<', rest)?;
            let (id, after) = read(&rest[start + 1..]);
            rest = after;
            if id.as_deref().is_some_and(is_valid) {
                return id.map(Bytes::from);
            }
        }
    })
}

/// The octets up to `>`, and the rest. `None` if another `<` or the end comes first.
fn read(value: &[u8]) -> (Option<Vec<u8>>, &[u8]) {
    let mut id = Vec::with_capacity(64);
    let mut quoted = false;
    let mut comments = 0_usize;
    let mut at = 0;
    while let Some(&octet) = value.get(at) {
        at += 1;
        match octet {
            b'>' if !quoted && comments == 0 => return (Some(id), &value[at..]),
            // The previous bracket did not begin a Message-ID.
            b'<' if !quoted => return (None, &value[at - 1..]),
            b'\\' if quoted || comments > 0 => {
                let escaped = value.get(at).filter(|_| comments == 0);
                id.extend(escaped);
                at += 1;
            }
            b'"' if comments == 0 => quoted = !quoted,
            b'(' if !quoted => comments += 1,
            b')' if !quoted && comments > 0 => comments -= 1,
            b' ' | b'\t' | b'\r' | b'\n' | 0 => {}
            _ if comments == 0 && id.len() <= MAX_ID => id.push(octet),
            _ => {}
        }
    }
    (None, &value[value.len()..])
}

fn is_valid(id: &[u8]) -> bool {
    let at = memchr::memrchr(b'@', id).unwrap_or(0);
    at > 0 && at + 1 < id.len() && id.len() <= MAX_ID
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failing test may panic.
    use proptest::prelude::*;

    use super::*;

    fn ids(value: &str) -> Vec<String> {
        message_ids(value.as_bytes())
            .map(|id| String::from_utf8(id.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn message_ids_are_read_and_normalised() {
        let long = format!("<{}@example.test> <a@b>", "x".repeat(MAX_ID));
        let rows: &[(&str, &[&str])] = &[
            (" <a@example.test>", &["a@example.test"]),
            ("<a@b>\r\n <c@d>\t<e@f>", &["a@b", "c@d", "e@f"]),
            ("<a@b><c@d>,<e@f>", &["a@b", "c@d", "e@f"]),
            // The example of RFC 5256 §3.
            (
                "<\"01KF8JCEOCBS0045PS\"@example.test>",
                &["01KF8JCEOCBS0045PS@example.test"],
            ),
            ("<\"a\\\"b>c\"@d>", &["a\"b>c@d"]),
            ("< a\r\n @ (a <comment>) b >", &[]),
            ("< a\r\n @ (a \\) comment) b >", &["a@b"]),
            ("<A@B>", &["A@B"]),
            ("<a@[127.0.0.1]>", &["a@[127.0.0.1]"]),
            (
                "Your message of \"Mon, 1 Jan 2001\" <Mon@> <real@id> (by <b@c>)",
                &["real@id", "b@c"],
            ),
            ("<no-at> <@b> <a@> <> a@b", &[]),
            ("<a <b@c>", &["b@c"]),
            ("<a@b", &[]),
            (&long, &["a@b"]),
            ("", &[]),
        ];
        for (value, expected) in rows {
            assert_eq!(ids(value), *expected, "{value:.60}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read_and_what_is_read_is_short(
            value in proptest::collection::vec(
                prop_oneof![Just(b'<'), Just(b'>'), Just(b'"'), Just(b'\\'), Just(b'('), any::<u8>()],
                0..200,
            ),
        ) {
            for id in message_ids(&value) {
                prop_assert!(is_valid(&id) && id.len() <= value.len());
            }
        }
    }
}
