//! Addresses, times, sizes, patterns and networks, by table.
// A test may stop at what it did not expect.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use rules::{
    Domain, EmailAddress, ForwardPath, Network, Pattern, ReversePath, format_duration, format_size,
    parse_duration, parse_size, path_within,
};

#[test]
fn addresses_are_written_canonically() {
    for (text, canonical) in [
        ("Bob@Example.TEST", "Bob@example.test"),
        ("\"bob\"@example.test", "bob@example.test"),
        ("\"a b\"@example.test", "\"a b\"@example.test"),
        ("\"a\\\"b\\\\\"@example.test", "\"a\\\"b\\\\\"@example.test"),
        ("\"a..b\"@example.test", "\"a..b\"@example.test"),
        ("\"\\a\"@example.test", "a@example.test"),
        ("a+b=c@[192.0.2.1]", "a+b=c@[192.0.2.1]"),
        ("a@[ipv6:2001:DB8::1]", "a@[IPv6:2001:db8::1]"),
        ("müller@Bücher.test", "müller@xn--bcher-kva.test"),
        ("a@ｅｘａｍｐｌｅ.test", "a@example.test"),
        ("a@host_1.test", "a@host_1.test"),
        ("a@localhost", "a@localhost"),
    ] {
        let address = EmailAddress::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(address.to_string(), canonical);
    }
}

#[test]
fn what_clients_write_may_break_rules_where_it_can_mean_one_thing_only() {
    for (text, address) in [
        ("a..b@example.test", "\"a..b\"@example.test"),
        ("a.@example.test.", "\"a.\"@example.test"),
        (".a@[192.0.2.1].", "\".a\"@[192.0.2.1]"),
        ("a@Example.Test", "a@example.test"),
        ("a@192.168.1.20", "a@[192.168.1.20]"),
        ("a@192.168.1.20.", "a@[192.168.1.20]"),
        ("a@[2001:DB8::1]", "a@[IPv6:2001:db8::1]"),
        ("a@::1", "a@[IPv6:::1]"),
        ("a@canon-.local", "a@canon-.local"),
    ] {
        let written = EmailAddress::parse_written(text).unwrap();
        assert_eq!(written.to_string(), address);
        assert_eq!(EmailAddress::parse(address), Ok(written));
    }
    for text in [
        "a..b",
        "a@b..",
        "a@.",
        "@b.test",
        "a b@c.test",
        "..@",
        "a@192.168.1",
        "a@-canon.local",
    ] {
        assert!(EmailAddress::parse_written(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_no_address_is_refused_with_its_reason() {
    let long = format!("{}@example.test", "a".repeat(256));
    let label = format!("a@{}.test", "a".repeat(64));
    let name = format!("a@{}", ["abcdefg."; 32].concat());
    for (text, reason) in [
        ("", "the local part is empty"),
        ("@example.test", "the local part is empty"),
        ("\"\"@example.test", "the local part is empty"),
        ("bob", "an address needs `@` and a domain"),
        (
            "bob smith@example.test",
            "the local part has a character that must be quoted",
        ),
        (
            ".bob@example.test",
            "the local part has a dot at its start or end, or two in a row: that needs quotes",
        ),
        (
            "b..ob@example.test",
            "the local part has a dot at its start or end, or two in a row: that needs quotes",
        ),
        ("\"bob@example.test", "the quoted local part has no end"),
        (
            "\"b\0b\"@example.test",
            "the local part has a control character",
        ),
        ("\"b\\\rb\"@example.test", "a character may not be escaped"),
        ("bob@", "the domain is empty"),
        ("bob@example..test", "the domain has an empty label"),
        ("bob@example.test.", "the domain has an empty label"),
        (
            "bob@-a.test",
            "a label of the domain begins or ends with a hyphen",
        ),
        (
            "bob@a b.test",
            "the domain has a character that is not allowed",
        ),
        (
            "bob@a@b.test",
            "the domain has a character that is not allowed",
        ),
        ("bob@192.0.2.1", "an IP address must be written in brackets"),
        ("bob@[192.0.2]", "the address literal is not an IP address"),
        ("bob@[192.0.2.1", "an address literal must end with `]`"),
        (
            "bob@xn--a.test",
            "the domain is not a valid internationalized name",
        ),
        (&long, "the local part is longer than 255 octets"),
        (&label, "the domain has a label longer than 63 octets"),
        (&name, "the domain is longer than 253 octets"),
    ] {
        let error = EmailAddress::parse(text)
            .map(|a| a.to_string())
            .unwrap_err();
        assert_eq!(error.to_string(), reason, "{text}");
    }
}

#[test]
fn users_are_compared_without_case() {
    let upper = EmailAddress::parse("BOB@example.test").unwrap();
    let lower = EmailAddress::parse("bob@EXAMPLE.test").unwrap();
    assert_ne!(upper, lower);
    assert_eq!(upper.folded(), lower.folded());
}

#[test]
fn domains_are_shown_as_people_read_them() {
    let domain = Domain::parse("BÜCHER.test").unwrap();
    assert_eq!(domain.as_str(), "xn--bcher-kva.test");
    assert_eq!(domain.to_unicode(), "bücher.test");
}

#[test]
fn paths_drop_brackets_and_source_routes() {
    for (text, path) in [
        ("<>", ""),
        ("", ""),
        ("<bob@example.test>", "bob@example.test"),
        ("@a.test:bob@example.test", "bob@example.test"),
        ("<@a.test,@b.test:bob@example.test>", "bob@example.test"),
        ("<@[IPv6:::1]:bob@example.test>", "bob@example.test"),
        ("<@[IPv6:::1],@[IPv6:::2]:bob@[IPv6:::3]>", "bob@[IPv6:::3]"),
    ] {
        assert_eq!(
            ReversePath::parse(text).unwrap().to_string(),
            path,
            "{text}"
        );
    }
    for text in [
        "<bob@example.test",
        "@a.test",
        "@:bob@example.test",
        "@a.test,b.test:bob@example.test",
        "@a.test:@b.test:bob@example.test",
        "@[IPv6",
    ] {
        assert!(ReversePath::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_postmaster_needs_no_domain() {
    for text in ["<Postmaster>", "postmaster", "<@a.test:POSTMASTER>"] {
        assert_eq!(ForwardPath::parse(text).unwrap(), ForwardPath::Postmaster);
    }
    assert!(ForwardPath::parse("<>").is_err());
    assert!(ForwardPath::parse("<bob>").is_err());
}

#[test]
fn durations_are_read_and_written() {
    for (text, seconds, written) in [
        ("5 days", 432_000, "5 d"),
        ("4 h", 14_400, "4 h"),
        ("1 h 30 min", 5400, "1 h 30 min"),
        ("90s", 90, "1 min 30 s"),
        ("1 week", 604_800, "7 d"),
        ("0 s", 0, "0 s"),
    ] {
        let duration = parse_duration(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(duration, Duration::from_secs(seconds), "{text}");
        assert_eq!(format_duration(duration), written);
    }
    assert_eq!(parse_duration("250 ms"), Ok(Duration::from_millis(250)));
    for text in [
        "",
        "5",
        "days",
        "5 moons",
        "-5 s",
        "1.5 h",
        "99999999999999999999 s",
        "101 y",
    ] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
    assert!(parse_duration("9999999 weeks").is_err());
}

#[test]
fn sizes_are_read_and_written() {
    for (text, octets, written) in [
        ("25 MiB", 25 << 20, "25 MiB"),
        ("512KiB", 512 << 10, "512 KiB"),
        ("10 MB", 10_000_000, "9.5 MiB"),
        ("900 b", 900, "900 B"),
        ("2 GiB", 2 << 30, "2 GiB"),
    ] {
        let size = parse_size(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(size, octets, "{text}");
        assert_eq!(format_size(size), written);
    }
    for text in ["", "25", "MiB", "25 M", "99999999999 GiB"] {
        assert!(parse_size(text).is_err(), "{text}");
    }
}

#[test]
fn patterns_match_whole_texts_without_case() {
    for (pattern, text, expected) in [
        ("bob", "BOB", true),
        ("bob", "bobby", false),
        ("sales-*", "Sales-North", true),
        ("sales-*", "sales-", true),
        ("sales-*", "sales", false),
        ("*", "", true),
        ("a*b*c", "aXbXbc", true),
        ("a*b*c", "aXbXbd", false),
        ("?", "ü", true),
        ("?", "", false),
        ("**a", "bca", true),
    ] {
        assert_eq!(
            Pattern::new(pattern).matches(text),
            expected,
            "{pattern} {text}"
        );
    }
}

/// Backtracking patterns would take for ever here.
#[test]
fn no_pattern_takes_exponential_time() {
    let pattern = Pattern::new(&"a*".repeat(50));
    assert!(!pattern.matches(&format!("{}b", "b".repeat(20_000))));
    assert!(pattern.matches(&"a".repeat(2_000)));
}

#[test]
fn networks_contain_their_addresses() {
    for (network, address, expected) in [
        ("10.20.0.0/16", "10.20.255.1", true),
        ("10.20.0.0/16", "10.21.0.1", false),
        ("10.20.0.0/16", "::ffff:10.20.0.1", true),
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("2001:db8::/32", "2001:db8:1::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("0.0.0.0/0", "::1", false),
    ] {
        let network: Network = network.parse().unwrap();
        assert_eq!(
            network.contains(address.parse().unwrap()),
            expected,
            "{network} {address}"
        );
    }
}

#[test]
fn a_path_is_taken_from_what_devices_write_around_it() {
    for (text, path) in [
        ("\"Scanner\" <s@x.test>", Some("s@x.test")),
        ("Scanner <s@x.test>", Some("s@x.test")),
        ("< s@x.test >", Some("s@x.test")),
        ("<s@x.test", Some("s@x.test")),
        ("s@x.test>", Some("s@x.test")),
        ("<s@x.test>", None),
        ("s@x.test", None),
        ("<>", None),
        ("< >", None),
        ("<", None),
        ("Scanner <>", None),
    ] {
        assert_eq!(path_within(text), path, "{text}");
    }
    for text in [
        "a@x.test <s@x.test>",
        "root, <s@x.test>",
        "<a@x.test><s@x.test>",
    ] {
        let path = path_within(text).unwrap_or(text);
        assert!(ReversePath::parse(path).is_err(), "{text}");
    }
}

#[test]
fn a_hyphen_at_the_end_of_a_label_is_for_addresses_alone() {
    assert!(Domain::parse("canon-.local").is_err());
    assert!(EmailAddress::parse("s@canon-.local").is_ok());
}
