//! Sizes and numbers of recipients, and policies of many domains.
// A test may stop at what it did not expect.
#![allow(clippy::unwrap_used)]

#[path = "support/admitted.rs"]
mod admitted;

use std::fmt::Write;

use rules::{Policy, ReversePath, Route, SessionFacts};

fn stranger() -> SessionFacts {
    SessionFacts::new(
        "mx",
        "203.0.113.9".parse().unwrap(),
        "198.51.100.1".parse().unwrap(),
    )
}

#[test]
fn a_message_larger_than_the_rule_is_refused_at_mail() {
    let policy = Policy::parse("[receiving.untrusted]\nmax-size = \"1 MiB\"").unwrap();
    let trust = policy.trust(&stranger());
    let sender = ReversePath::parse("a@x.test").unwrap();
    let facts = stranger();
    let answer = |size| admitted::mail(&policy, &facts, &trust, &sender, size, None);
    assert!(answer(None).is_accepted());
    assert!(answer(Some(1 << 20)).is_accepted());
    let refusal = answer(Some((1 << 20) + 1));
    assert_eq!(
        (refusal.name, refusal.code, refusal.enhanced),
        ("message-too-large", 552, "5.3.4")
    );
    assert_eq!(
        refusal.reasons,
        ["1048577 octets are declared, `max-size` is 1048576 for untrusted"]
    );
}

#[test]
fn one_recipient_too_many_is_put_off() {
    let policy = Policy::parse(
        "[receiving.untrusted]\nmax-recipients = 100\n\
         [[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"",
    )
    .unwrap();
    let facts = stranger();
    let trust = policy.trust(&facts);
    let (sender, to) = (ReversePath::Null, "bob@example.test");
    let answer = |taken| admitted::rcpt(&policy, &facts, &trust, &sender, taken, to);
    assert!(answer(99).is_accepted());
    let refusal = answer(100);
    // RFC 5321 §4.5.3.1.10: 452, so that the client sends the rest in another transaction.
    assert_eq!((refusal.name, refusal.code), ("too-many-recipients", 452));
    assert!(refusal.is_temporary());
}

#[test]
fn a_priority_is_raised_by_the_trusted_alone_and_lowered_by_everyone() {
    let policy = Policy::parse("[receiving.trusted]\nmax-priority = 4").unwrap();
    let mut facts = stranger();
    let untrusted = policy.trust(&facts);
    facts.login = Some("bob@example.test".to_owned());
    let trusted = policy.trust(&facts);
    for (asked, by_trusted, by_untrusted) in
        [(9, 4, 0), (4, 4, 0), (1, 1, 0), (0, 0, 0), (-9, -9, -9)]
    {
        assert_eq!(policy.priority(&trusted, asked), by_trusted, "{asked}");
        assert_eq!(policy.priority(&untrusted, asked), by_untrusted, "{asked}");
    }
}

#[test]
fn twenty_thousand_domains_are_looked_up_by_hash() {
    let mut document = String::new();
    for n in 0..20_000 {
        writeln!(
            document,
            "[[domain]]\nname = \"d{n}.test\"\naliases = [\"a{n}.test\"]\ndeliver = \"mailboxes\""
        )
        .unwrap();
    }
    let policy = Policy::parse(&document).unwrap();
    for n in 0..20_000 {
        let recipient = format!("bob@a{n}.test").parse().unwrap();
        let Route::Mailbox { user, .. } = policy.route(&recipient) else {
            panic!("{n} is not local");
        };
        assert_eq!(user.to_string(), format!("bob@d{n}.test"));
    }
}
