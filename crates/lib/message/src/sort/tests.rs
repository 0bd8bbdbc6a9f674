#![allow(clippy::unwrap_used)] // A failing test may panic.

use proptest::prelude::*;

use super::*;
use crate::Scanner;

#[test]
fn the_base_subject_is_what_rfc_5256_says() {
    let rows: &[(&str, &str, bool)] = &[
        ("", "", false),
        ("hello", "hello", false),
        ("  two\t \r\n words ", "two words", false),
        ("Re: hello", "hello", true),
        ("RE:hello", "hello", true),
        ("re : hello", "hello", true),
        ("Fw: hello", "hello", true),
        ("FWD: hello", "hello", true),
        ("Re: Fwd: re: hello", "hello", true),
        ("Re[2]: hello", "hello", true),
        ("Re [list] : hello", "hello", true),
        ("[list] Re: hello", "hello", true),
        ("[a] [b]Re: [c] hello", "hello", true),
        ("[list] hello", "hello", false),
        ("[list]", "[list]", false),
        ("[a] [b]", "[b]", false),
        ("Re: [list]", "[list]", true),
        ("hello (fwd)", "hello", true),
        ("hello (FWD) (fwd) ", "hello", true),
        ("(fwd)", "", true),
        ("Re:", "", true),
        ("Re: (fwd)", "", true),
        ("[fwd: hello]", "hello", true),
        ("[Fwd: [list] Re: hello (fwd)]", "hello", true),
        ("Re: [fwd: [fwd: hello] (fwd)]", "hello", true),
        ("[fwd: a] b", "b", false),
        ("[fwd:]", "", true),
        ("[fwd: hello", "[fwd: hello", false),
        ("[a [b] c", "[a [b] c", false),
        ("hello [list]", "hello [list]", false),
        ("Regarding: hello", "Regarding: hello", false),
        ("Fwdx: hello", "Fwdx: hello", false),
        ("Re hello", "Re hello", false),
        ("Re: Straße", "Straße", true),
        ("Aw: hello", "Aw: hello", false),
        ("ß(fwd)", "ß", true),
        ("éé€", "éé€", false),
    ];
    for &(subject, base, is_reply) in rows {
        let found = base_subject(subject);
        assert_eq!(
            (found.text.as_str(), found.is_reply),
            (base, is_reply),
            "{subject}"
        );
    }
}

/// RFC 5256 §2.1 word by word: one match at a time, each removed before the next is looked for.
mod plain_reading {
    /// A blob at the front, its white space included.
    fn blob(text: &str) -> Option<&str> {
        let (inner, _) = text.strip_prefix('[')?.split_once(']')?;
        if inner.contains(['[', '\0']) {
            return None;
        }
        Some(text[inner.len() + 2..].trim_start_matches(' '))
    }

    fn refwd(text: &str) -> Option<&str> {
        for word in ["re", "fwd", "fw"] {
            let Some((start, rest)) = text.split_at_checked(word.len()) else {
                continue;
            };
            if !start.eq_ignore_ascii_case(word) {
                continue;
            }
            let rest = rest.trim_start_matches(' ');
            if let Some(rest) = rest.strip_prefix(':') {
                return Some(rest);
            }
            if let Some(rest) = blob(rest).and_then(|rest| rest.strip_prefix(':')) {
                return Some(rest);
            }
        }
        None
    }

    fn leader(text: &str) -> Option<(&str, bool)> {
        if let Some(rest) = text.strip_prefix(' ') {
            return Some((rest, false));
        }
        let mut at = text;
        loop {
            if let Some(rest) = refwd(at) {
                return Some((rest, true));
            }
            at = blob(at)?;
        }
    }

    pub(super) fn base_subject(subject: &str) -> (String, bool) {
        let mut text = subject.replace(['\t', '\r', '\n'], " ");
        while text.contains("  ") {
            text = text.replace("  ", " ");
        }
        let mut is_reply = false;
        loop {
            // (2)
            loop {
                if let Some(rest) = text.strip_suffix(' ') {
                    text = rest.to_owned();
                } else if text.to_ascii_lowercase().ends_with("(fwd)") {
                    text.truncate(text.len() - 5);
                    is_reply = true;
                } else {
                    break;
                }
            }
            // (5)
            loop {
                let before = text.clone();
                // (3)
                while let Some((rest, reply)) = leader(&text) {
                    is_reply |= reply;
                    text = rest.to_owned();
                }
                // (4)
                if let Some(rest) = blob(&text).filter(|rest| !rest.is_empty()) {
                    text = rest.to_owned();
                }
                if text == before {
                    break;
                }
            }
            // (6)
            if text.to_ascii_lowercase().starts_with("[fwd:") && text.ends_with(']') {
                text = text[5..text.len() - 1].to_owned();
                is_reply = true;
            } else {
                return (text, is_reply);
            }
        }
    }
}

/// Tokens that decide something, in any order and depth.
fn subject_like() -> impl Strategy<Value = String> {
    let token = proptest::sample::select(vec![
        "Re", "re:", "Fwd:", "fw", "d", ":", "[", "]", "[list]", "[fwd:", "(fwd)", "(FWD)", " ",
        "\t", "a", "ß", "\0", "()",
    ]);
    proptest::collection::vec(token, 0..16).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_base_subject_is_that_of_a_plainer_reading(subject in subject_like()) {
        let found = base_subject(&subject);
        prop_assert_eq!((found.text, found.is_reply), plain_reading::base_subject(&subject));
    }

    #[test]
    fn a_base_subject_is_its_own_and_marks_around_it_do_not_change_it(
        subject in subject_like(),
        marks in proptest::collection::vec(
            proptest::sample::select(vec!["Re: ", "FWD:", "Re[2]: ", "[list] Fw: "]),
            0..4,
        ),
    ) {
        let base = base_subject(&subject).text;
        prop_assert_eq!(&base_subject(&base).text, &base);
        let marked = format!("{}{base} (fwd) ", marks.concat());
        prop_assert_eq!(&base_subject(&marked).text, &base);
        prop_assert!(base_subject(&marked).is_reply);
    }
}

#[test]
fn a_long_subject_of_brackets_takes_no_square_of_time() {
    for unit in ["[]", "[fwd:", "re[]", "[a]", "(fwd)"] {
        let subject = unit.repeat(50_000);
        assert!(base_subject(&subject).text.len() <= subject.len());
    }
}

#[test]
fn of_too_many_references_the_first_and_the_last_are_kept() {
    let field = |count: usize, octets: usize| -> String {
        (0..count).map(|n| format!("<{n:0octets$}@b> ")).collect()
    };
    let numbers = |value: &str| -> Vec<usize> {
        references(value.as_bytes())
            .iter()
            .map(|id| {
                String::from_utf8_lossy(&id[..id.len() - 2])
                    .parse()
                    .unwrap()
            })
            .collect()
    };
    assert_eq!(numbers(""), []);
    assert_eq!(numbers(&field(1, 4)), [0]);
    assert_eq!(numbers(&field(100, 4)), (0..100).collect::<Vec<_>>());
    let most: Vec<usize> = std::iter::once(0).chain(201..300).collect();
    assert_eq!(numbers(&field(300, 4)), most);
    // 16 KiB are sixteen of 992 octets, and the first.
    let large: Vec<usize> = std::iter::once(0).chain(15..30).collect();
    assert_eq!(numbers(&field(30, 990)), large);
}

#[test]
fn sort_keys_are_of_the_first_address() {
    let scan = |message: &str| {
        let mut scanner = Scanner::new();
        scanner.push(message.as_bytes()).unwrap();
        scanner.finish().unwrap().summary
    };
    let address = |name: &str, mailbox: &str, host: &str| {
        Some(SortAddress {
            name: name.to_owned(),
            mailbox: mailbox.to_owned(),
            host: host.to_owned(),
        })
    };
    let summary = scan(
        "From: =?utf-8?Q?Bj=C3=B6rn?= <bjorn@example.test>, eve@example.test\r\n\
         To: Friends: ann@example.test, joe@example.test;\r\n\
         Cc: \r\n\
         Cc: \"zoe smith\"@example.test (Zoe)\r\n\
         Subject: =?utf-8?Q?Re=3A_[list]_Gr=C3=BC=C3=9Fe?= (fwd)\r\n\
         In-Reply-To: <c@example.test>\r\n\
         Message-ID: <\"d\"@example.test>\r\n\
         References: <a@example.test>\r\n <\"b\"@example.test> nonsense <c@example.test>\r\n\r\n",
    );
    let expected = SortKeys {
        base_subject: "Grüße".to_owned(),
        is_reply: true,
        from: address("Björn", "bjorn", "example.test"),
        to: address("", "Friends", ""),
        cc: address("Zoe", "zoe smith", "example.test"),
    };
    assert_eq!(summary.sort, expected);
    assert_eq!(summary.message_id, "d@example.test");
    assert_eq!(summary.in_reply_to, ["c@example.test"]);
    assert_eq!(
        summary.references,
        ["a@example.test", "b@example.test", "c@example.test"]
    );
    assert_eq!(scan("\r\n").sort, SortKeys::default());
}
