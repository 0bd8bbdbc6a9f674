//! The receiving rules that no script knows the facts of: what is free, what is attached, who speaks
//! before their turn. The policy is that of `sessions/receiving.txt`.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

#[path = "support/admitted.rs"]
mod admitted;

use rules::{
    AttachmentAction, Early, Policy, ReversePath, SessionFacts, Trust, Unwanted, Verdict,
    parse_size,
};

/// What one row says: `free=SIZE`, `attachment=NAME-OR-TYPE`, `early=greeting` or `early=hello`.
fn judge(policy: &Policy, facts: &SessionFacts, trust: &Trust, fact: &str) -> Verdict {
    let (name, value) = fact.split_once('=').unwrap();
    match (name, value) {
        ("free", size) => {
            let free = Some(parse_size(size).unwrap());
            let sender = facts.login.as_deref().unwrap_or("a@x.test");
            let sender = ReversePath::parse(sender).unwrap();
            admitted::mail(policy, facts, trust, &sender, None, free)
        }
        ("early", "greeting") => admitted::early(policy, trust, Early::Greeting),
        ("early", "hello") => admitted::early(policy, trust, Early::Hello),
        ("attachment", attachment) => {
            let unwanted = by_attachment(policy, trust, attachment);
            admitted::attachment(policy, facts, trust, unwanted)
        }
        _ => panic!("no fact {fact}"),
    }
}

fn by_attachment(policy: &Policy, trust: &Trust, attachment: &str) -> Option<Unwanted> {
    let blocked = &policy.receiving(trust.trusted).attachments;
    assert_eq!(blocked.action, AttachmentAction::Refuse);
    let pattern = if attachment.contains('/') {
        blocked.by_type(attachment)
    } else {
        blocked.by_name(attachment)
    };
    pattern.map(|pattern| Unwanted::Blocked(pattern.to_string()))
}

#[test]
fn each_class_is_held_to_its_own_rules_for_space_attachments_and_patience() {
    let policy = Policy::parse(include_str!("sessions/receiving.toml")).unwrap();
    let peer = "203.0.113.9".parse().unwrap();
    let local = "198.51.100.1".parse().unwrap();
    for (login, fact, verdict) in [
        // Free space: strangers are put off first.
        ("", "free=2GiB", "accepted"),
        ("", "free=2147483647B", "insufficient-storage"),
        ("bob@example.test", "free=1GiB", "accepted"),
        ("bob@example.test", "free=1023MiB", "insufficient-storage"),
        // Attachments by name and type.
        ("", "attachment=a.pdf", "accepted"),
        ("", "attachment=Setup.EXE", "blocked-attachment"),
        ("", "attachment=setup.exe.txt", "accepted"),
        ("", "attachment=secret-12.doc", "blocked-attachment"),
        ("", "attachment=secret-1.doc", "accepted"),
        (
            "",
            "attachment=application/x-msdownload",
            "blocked-attachment",
        ),
        ("", "attachment=image/svg+xml", "blocked-attachment"),
        ("", "attachment=image/png", "accepted"),
        ("bob@example.test", "attachment=setup.exe", "accepted"),
        (
            "bob@example.test",
            "attachment=setup.scr",
            "blocked-attachment",
        ),
        (
            "bob@example.test",
            "attachment=application/x-elf",
            "blocked-attachment",
        ),
        // Clients that do not wait.
        ("", "early=greeting", "early-talker"),
        ("", "early=hello", "early-talker"),
        ("bob@example.test", "early=hello", "early-talker"),
    ] {
        let mut facts = SessionFacts::new("mx", peer, local);
        facts.login = (!login.is_empty()).then(|| login.to_owned());
        let trust = policy.trust(&facts);
        assert_eq!(trust.trusted, !login.is_empty());
        let found = judge(&policy, &facts, &trust, fact);
        assert_eq!(found.name, verdict, "{login} {fact}");
    }
}
