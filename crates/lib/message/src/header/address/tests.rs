#![allow(clippy::unwrap_used)] // A failing test may panic.

use super::*;

/// `name <local@domain> also others`, one for each mailbox; groups in braces.
fn read(value: &str) -> String {
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    let spec = |local: &[u8], domain: &[u8]| format!("{}@{}", text(local), text(domain));
    let mut found = Vec::new();
    for address in addresses(value.as_bytes()) {
        found.push(match address {
            Address::GroupStart(name) => format!("{{{}", text(&name)),
            Address::GroupEnd => "}".to_owned(),
            Address::Mailbox(mailbox) => {
                let name = mailbox
                    .name
                    .map_or_else(|| "-".to_owned(), |name| text(&name));
                let route = mailbox
                    .route
                    .map_or_else(String::new, |route| text(&route) + ":");
                let mut shown =
                    format!("{name} <{route}{}>", spec(&mailbox.local, &mailbox.domain));
                if mailbox.irregular {
                    shown.push('?');
                }
                for other in mailbox.others {
                    shown.push_str(" also ");
                    shown.push_str(&spec(&other.local, &other.domain));
                }
                shown
            }
        });
    }
    found.join(", ")
}

#[track_caller]
fn check(rows: &[(&str, &str)]) {
    for (value, expected) in rows {
        assert_eq!(read(value), *expected, "{value}");
    }
}

#[test]
fn what_the_syntax_allows_is_read_as_it_says() {
    check(&[
        ("bob@x.test", "- <bob@x.test>"),
        ("Bob <bob@x.test>", "Bob <bob@x.test>"),
        (
            "\"Bob, B.\" <bob@x.test>, eve@y.test",
            "Bob, B. <bob@x.test>, - <eve@y.test>",
        ),
        ("Bob\r\n <bob@x.test>", "Bob <bob@x.test>"),
        ("bob@x.test (Bob)", "Bob <bob@x.test>"),
        ("Bob (of (y)) <bob@x.test> (z)", "Bob <bob@x.test>"),
        ("\"bob b\"@x.test", "- <bob b@x.test>"),
        ("\"bob@y.test\"@x.test", "- <bob@y.test@x.test>"),
        ("bob@[192.0.2.1]", "- <bob@[192.0.2.1]>"),
        (
            "us: bob@x.test, E <eve@y.test>;, z@z.test",
            "{us, - <bob@x.test>, E <eve@y.test>, }, - <z@z.test>",
        ),
        ("undisclosed recipients:;", "{undisclosed recipients, }"),
        ("undisclosed-recipients:", "{undisclosed-recipients, }"),
        (
            "<@a.test,@b.test:bob@x.test>",
            "- <@a.test,@b.test:bob@x.test>",
        ),
        ("bob, Eve <eve>", "- <bob@>, Eve <eve@>"),
        (
            "=?utf-8?q?b=40y.test?= <bob@x.test>",
            "=?utf-8?q?b=40y.test?= <bob@x.test>",
        ),
        ("<>", "- <@>"),
        ("", ""),
        (", (x) ,", ""),
    ]);
}

#[test]
fn obsolete_forms_are_read_and_marked() {
    check(&[
        ("bob . b @ x . test", "- <bob.b@x.test>?"),
        ("B < bob @ x . test >", "B <bob@x.test>?"),
        ("bob@(c)x.test", "c <bob@x.test>?"),
        ("bob@x(c).test", "c <bob@x.test>?"),
        ("bob@x.(c)test", "c <bob@x.test>?"),
        ("bob(c)@x.test", "c <bob@x.test>?"),
        ("\"bob\".b@x.test", "- <bob.b@x.test>?"),
        ("bob@x.\r\n test", "- <bob@x.test>?"),
        ("bob@\"x.test\"", "- <bob@x.test>"),
    ]);
}

#[test]
fn an_address_before_an_angle_address_is_its_name() {
    check(&[
        ("bob@x.test <bob@x.test>", "bob@x.test <bob@x.test>"),
        ("Bob@X.test. <bob@x.test>", "Bob@X.test. <bob@x.test>"),
        (
            "bob@y.test <bob@x.test>",
            "bob@y.test <bob@x.test> also bob@y.test",
        ),
        (
            "a@y.test b@z.test <bob@x.test>",
            "a@y.test b@z.test <bob@x.test> also a@y.test also b@z.test",
        ),
        (
            "Bob bob@y.test B. <bob@x.test>",
            "Bob bob@y.test B. <bob@x.test> also bob@y.test",
        ),
        (
            "root@localhost <root@x.test>",
            "root@localhost <root@x.test>",
        ),
        ("Sales @ Acme <sales@x.test>", "Sales @ Acme <sales@x.test>"),
        (
            "bob@[192.0.2.1] <bob@x.test>",
            "bob@[192.0.2.1] <bob@x.test> also bob@[192.0.2.1]",
        ),
        (
            "a@(c)y.test <bob@x.test>",
            "a@y.test <bob@x.test> also a@y.test",
        ),
    ]);
}

#[test]
fn the_first_of_several_addresses_without_a_comma_is_taken() {
    check(&[
        ("a@x.test b@y.test", "- <a@x.test> also b@y.test"),
        ("a@x.test. b@y.test", "- <a@x.test.> also b@y.test"),
        ("a@x.test\r\n\tb@y.test", "- <a@x.test> also b@y.test"),
        ("a@x.test(c)b@y.test", "c <a@x.test> also b@y.test"),
        ("a@x.test a@X.test", "- <a@x.test>"),
        ("a@x.test@y.test", "- <a@x.test> also x.test@y.test"),
        ("a@x.(c)test@y.test", "c <a@x.> also test@y.test"),
        ("<a@x.test@y.test>", "- <a@x.test> also x.test@y.test"),
        ("<a@x.test b@y.test>", "- <a@x.test>? also b@y.test"),
        ("<a@x.test> <b@y.test>", "- <a@x.test> also b@y.test"),
        ("<a@x.test <b@y.test>>", "- <a@x.test> also b@y.test"),
        ("A <a@x.test> b@y.test", "A <a@x.test> also b@y.test"),
        ("A <a> <b@y.test>", "A a <b@y.test>"),
        ("a@x.test; b@y.test", "- <a@x.test>, - <b@y.test>"),
    ]);
}

#[test]
fn words_around_an_address_are_none_of_it() {
    check(&[
        ("a b@x.test", "a <b@x.test>"),
        ("\"A, B\" b@x.test", "A, B <b@x.test>"),
        ("A jr. b@x.test", "A jr. <b@x.test>"),
        ("b@x.test Bob", "- <b@x.test>"),
        ("a@b@c", "- <a@b> also b@c"),
        ("b@x.test \"e@y.test\"", "- <b@x.test>"),
        ("<b@x.test> Bob", "- <b@x.test>"),
        ("<b@x.test Bob>", "- <b@x.test>?"),
        ("<Bob B@x.test>", "- <Bob B@x.test>?"),
        ("b@[192.0.2.1]x.test", "- <b@[192.0.2.1]>?"),
        ("=?utf-8?q?A?= b@x.test", "=?utf-8?q?A?= <b@x.test>"),
    ]);
}

#[test]
fn brackets_and_quotes_may_be_missing() {
    check(&[
        ("Bob <bob@x.test", "Bob <bob@x.test>"),
        (
            "Bob <bob@x.test, e@y.test",
            "Bob <bob@x.test>, - <e@y.test>",
        ),
        (
            "Bob bob@x.test>, e@y.test",
            "Bob <bob@x.test>, - <e@y.test>",
        ),
        ("<<bob@x.test>>", "- <bob@x.test>"),
        ("B <b <bob@x.test>", "B b <bob@x.test>"),
        ("\"Bob <bob@x.test>", "Bob <bob@x.test>"),
        ("Bob (B <bob@x.test>", "Bob (B <bob@x.test>"),
        (
            "Bob \"B\" (C <bob@x.test>, (D) e@y.test",
            "Bob B (C <bob@x.test>, (D) <e@y.test>",
        ),
        ("<mailto:bob@x.test>", "- <bob@x.test>?"),
        ("bob@", "- <bob@>"),
        ("@x.test", "- <@x.test>"),
        ("Doe, John <john@x.test>", "- <Doe@>, John <john@x.test>"),
        ("Acme: Sales <s@x.test>", "{Acme, Sales <s@x.test>, }"),
        (
            "us: Acme: Sales <s@x.test>;",
            "{us, Acme: Sales <s@x.test>, }",
        ),
    ]);
}

#[test]
fn a_list_is_bounded_in_length_and_in_time() {
    assert_eq!(addresses(&b"a,".repeat(5_000)).len(), MAX_ADDRESSES);
    let crowded = addresses(&b"a@b.c ".repeat(5_000));
    let [Address::Mailbox(mailbox)] = &crowded[..] else {
        panic!("one element");
    };
    assert_eq!(mailbox.others, []);
    // Each would take minutes if it took time by the square of its length.
    for octets in [
        "(", "\"\\", "<", "@", "<@a,", "a :", "<@", "a.@", "w ", ".a ", ">",
    ] {
        let value = [
            &b"w ".repeat(100_000)[..],
            &octets.as_bytes().repeat(200_000),
        ]
        .concat();
        let _ = addresses(&value);
    }
}
