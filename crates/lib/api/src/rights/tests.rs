#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// The paths of all calls in the files of a folder.
fn declared(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            declared(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            read(&std::fs::read_to_string(path).unwrap(), found);
        }
    }
}

fn read(text: &str, found: &mut BTreeSet<String>) {
    let (mut package, mut service) = ("", "");
    for line in text.lines() {
        let words: Vec<&str> = line.split([' ', '(', ';']).collect();
        let Some(first) = words.iter().position(|word| !word.is_empty()) else {
            continue;
        };
        match (words[first], words.get(first + 1)) {
            ("package", Some(name)) => package = name,
            ("service", Some(name)) => service = name,
            ("rpc", Some(name)) => drop(found.insert(format!("/{package}.{service}/{name}"))),
            _ => {}
        }
    }
}

fn listed() -> Vec<String> {
    let paths = |(service, calls): &(&str, Calls)| -> Vec<String> {
        let calls = calls.iter();
        calls
            .map(|(call, _)| format!("/{service}/{call}"))
            .collect()
    };
    SERVICES.iter().flat_map(paths).collect()
}

#[test]
fn every_call_stands_in_the_table_once() {
    let mut known = BTreeSet::new();
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../proto");
    declared(&proto, &mut known);
    assert!(known.len() > 50, "{known:?}");
    let listed = listed();
    assert_eq!(listed.len(), listed.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(known, listed.into_iter().collect());
}

#[test]
fn every_call_has_a_caller_who_is_known() {
    for path in listed() {
        let callers = callers(&path);
        assert!(!callers.is_empty(), "{path}");
        assert!(
            callers.iter().all(|caller| CALLERS.contains(caller)),
            "{path}"
        );
    }
}

/// The paths of what `caller` may call.
fn calls_of(caller: &str) -> BTreeSet<String> {
    let calls = listed().into_iter();
    calls
        .filter(|path| callers(path).contains(&caller))
        .collect()
}

#[test]
fn a_front_end_reveals_no_secret_sets_no_password_and_changes_no_policy() {
    for front_end in [SMTP_SERVER, IMAP, POP3] {
        let calls = calls_of(front_end);
        for call in [
            "/postern.policy.v1.Policy/RevealSecret",
            "/postern.policy.v1.Policy/SetSecret",
            "/postern.policy.v1.Policy/RemoveSecret",
            "/postern.policy.v1.Policy/ApplyPolicy",
            "/postern.directory.v1.Directory/SetPassword",
            "/postern.directory.v1.Directory/AddAppPassword",
            "/postern.directory.v1.Directory/AddUser",
            "/postern.directory.v1.Directory/RemoveUser",
            "/postern.queue.v1.Queue/ReadMessage",
            "/postern.queue.v1.Queue/Lease",
            "/postern.queue.v1.Quarantine/ReleaseQuarantined",
            "/postern.mailbox.v1.MailboxStore/Deliver",
        ] {
            assert!(!calls.contains(call), "{front_end}: {call}");
        }
    }
    let mail: Vec<_> = calls_of(SMTP_SERVER)
        .into_iter()
        .filter(|call| call.contains(".MailboxStore/"))
        .collect();
    assert_eq!(mail, Vec::<String>::new(), "it reads no mail");
}

#[test]
fn secrets_are_revealed_to_nobody_who_sets_them() {
    let revealed = callers("/postern.policy.v1.Policy/RevealSecret");
    assert_eq!(revealed, [DELIVERY, COLLECTOR]);
}

#[test]
fn what_is_not_known_nobody_may_call() {
    for path in [
        "",
        "/",
        "postern.queue.v1.Queue/Enqueue",
        "/postern.queue.v1.Queue/enqueue",
        "/postern.queue.v1.Queue/",
        "/postern.queue.v1.Queue",
        "/postern.queue.v1.Queue/Enqueue/",
        "/postern.queue.v2.Queue/Enqueue",
    ] {
        assert!(callers(path).is_empty(), "{path}");
    }
}
