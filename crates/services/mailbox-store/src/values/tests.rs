#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use api::mailbox::v1::UidRange;
use proptest::prelude::*;

use super::*;

#[test]
fn names_of_mailboxes() {
    let rows = [
        ("INBOX", Some("INBOX")),
        ("inbox", Some("INBOX")),
        ("Inbox/Lists", Some("INBOX/Lists")),
        ("Lists/inbox", Some("Lists/inbox")),
        ("INBOXES", Some("INBOXES")),
        ("Entwürfe/2026", Some("Entwürfe/2026")),
        ("Lists/", Some("Lists")),
        ("", None),
        ("/", None),
        ("/Lists", None),
        ("Lists//a", None),
        ("Lists/a//", None),
        ("a*", None),
        ("a%", None),
        ("a\r\nb", None),
        ("a\0b", None),
    ];
    for (text, expected) in rows {
        let name = MailboxName::parse(text).ok();
        assert_eq!(name.as_ref().map(MailboxName::as_str), expected, "{text:?}");
    }
    assert!(MailboxName::parse(&"a".repeat(1001)).is_err());
    assert!(MailboxName::parse(&"a/".repeat(60)).is_err());
}

#[test]
fn names_know_what_is_above_and_below_them() {
    let name = |text: &str| MailboxName::parse(text).unwrap();
    assert_eq!(name("a/b/c").superiors().collect::<Vec<_>>(), ["a", "a/b"]);
    assert!(name("a/b").is_below(&name("a")));
    assert!(!name("ab").is_below(&name("a")));
    let renamed = |text: &str| name(text).renamed(&name("a"), &name("x/y"));
    assert_eq!(renamed("a"), Some(name("x/y")));
    assert_eq!(renamed("a/b"), Some(name("x/y/b")));
    assert_eq!(renamed("ab"), None);
}

#[test]
fn keywords_are_atoms_and_compared_without_case() {
    let parse = |names: &[&str]| {
        Keywords::parse(
            &names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )
    };
    for name in ["", "\\Seen", "a b", "a(b", "a]", "käse", "a\"b", "%"] {
        assert!(parse(&[name]).is_err(), "{name:?}");
    }
    let keywords = parse(&["$Forwarded", "Junk", "JUNK", "new"]).unwrap();
    let known = ["$forwarded".to_owned(), "junk".to_owned()];
    let (spelled, new) = keywords.spelled_as(&known);
    assert_eq!(spelled, ["$forwarded", "junk", "new"]);
    assert_eq!(new, ["new"]);
    let many: Vec<String> = (0..101).map(|n| format!("k{n}")).collect();
    assert!(Keywords::parse(&many).is_err());
}

#[test]
fn users_are_named_in_lower_case() {
    let parse = |text| UserAddress::parse(text).map(UserAddress::into_string).ok();
    assert_eq!(
        parse("Bob@Example.TEST").as_deref(),
        Some("bob@example.test")
    );
    assert_eq!(
        parse("bob@bücher.test").as_deref(),
        Some("bob@xn--bcher-kva.test")
    );
    assert_eq!(parse("bob"), None);
    assert_eq!(parse("bob@[192.0.2.1]"), None);
    assert_eq!(parse("@example.test"), None);
}

#[test]
fn unknown_system_flags_are_refused() {
    assert_eq!(system_flags(31).unwrap(), 31);
    assert!(system_flags(32).is_err());
    assert!(system_flags(u32::MAX).is_err());
}

proptest! {
    #[test]
    fn a_set_of_uids_holds_what_its_ranges_hold(
        ranges in prop::collection::vec((0u32..60, 0u32..10), 0..8),
        probe in 0u32..80,
    ) {
        let proto: Vec<UidRange> = ranges
            .iter()
            .map(|&(first, length)| UidRange { first, last: first + length })
            .collect();
        let set = UidSet::parse(&proto).unwrap();
        let within = |uid: u32| proto.iter().any(|range| (range.first..=range.last).contains(&uid));
        for uid in 0..80 {
            prop_assert_eq!(set.contains(uid), within(uid));
            prop_assert_eq!(set.behind(probe).contains(uid), uid > probe && within(uid));
        }
        let again = UidSet::parse(&ranges_of(&set)).unwrap();
        prop_assert_eq!(&again, &set);
        let one_by_one: UidSet = (0..80).filter(|uid| within(*uid)).collect();
        prop_assert_eq!(one_by_one, set);
    }
}

#[test]
fn a_range_that_ends_before_it_starts_is_refused() {
    assert!(UidSet::parse(&[UidRange { first: 2, last: 1 }]).is_err());
    assert!(UidSet::parse_or_all(&[]).unwrap().contains(u32::MAX));
    assert!(UidSet::parse(&[]).unwrap().is_empty());
}
