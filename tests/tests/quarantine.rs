//! Mail in quarantine, from a stranger's message to an administrator's decision.

use serde_json::Value;
use test_kit::FakeDns;

use crate::harness::{Imap, SOON, Setup, Smtp, System, eventually};

const ZONE: &str = r#"
_dmarc.careful.test TXT "v=DMARC1; p=quarantine"
"#;

const POLICY: &str = r#"
[receiving.untrusted]
dmarc = { reject = "refuse", quarantine = "quarantine" }
block-attachments = "*.exe"
blocked-attachments = "quarantine"

[[domain]]
name = "here.test"
deliver = "mailboxes"
"#;

/// A message with a forged sender, or with a program, or with neither.
fn send(system: &System, author: &str, subject: &str, kind: &str) {
    let message = format!("From: {author}\r\nSubject: {subject}\r\n{kind}\r\ntext\r\n");
    let mut smtp = Smtp::hello(system.external()).unwrap();
    let to = ["bob@here.test", "eve@here.test"];
    let reply = smtp.send("a@client.test", &to, message.as_bytes()).unwrap();
    assert_eq!(reply.code, 250, "{subject}: {}", reply.text);
}

/// Waits until a user has this many messages in INBOX; returns their texts.
fn inbox(system: &System, user: &str, count: usize) -> String {
    let mut imap = Imap::inbox(system.ports().imap, user).unwrap();
    let uids = eventually("the message", SOON, || {
        imap.command("NOOP").unwrap();
        Some(imap.uids().unwrap()).filter(|uids| uids.len() >= count)
    });
    assert_eq!(uids.len(), count, "{user}");
    let messages = uids.iter().map(|uid| imap.message(*uid).unwrap());
    String::from_utf8(messages.collect::<Vec<_>>().concat()).unwrap()
}

fn number(message: &Value) -> String {
    message["message"].to_string()
}

#[test]
fn i2_what_is_in_quarantine_is_delivered_only_when_it_is_released() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let dns = runtime.block_on(FakeDns::start(ZONE));
    let system = System::start_with(&Setup {
        resolver: Some(dns.address()),
        ..Setup::default()
    });
    system.apply_policy(POLICY);
    system.add_users(&["bob@here.test", "eve@here.test"]);
    // A new policy takes a moment to be in force everywhere.
    eventually("the new policy in force", SOON, || {
        let mut smtp = Smtp::hello(system.external()).ok()?;
        smtp.command("MAIL FROM:<a@client.test>").ok()?;
        let reply = smtp.command("RCPT TO:<bob@here.test>").ok()?;
        (reply.code == 250).then_some(())
    });

    send(&system, "a@careful.test", "first", "");
    send(&system, "a@careful.test", "second", "");
    let program = "Content-Type: application/octet-stream; name=it.exe\r\n";
    send(&system, "a@client.test", "program", program);
    send(&system, "a@client.test", "plain", "");
    // Only the last one has arrived, although the others were accepted before.
    for user in ["bob@here.test", "eve@here.test"] {
        assert!(inbox(&system, user, 1).contains("Subject: plain"));
    }
    let listed = system.json(&["quarantine", "list"]);
    let listed = listed.as_array().unwrap();
    let subjects: Vec<&Value> = listed.iter().map(|message| &message["subject"]).collect();
    assert_eq!(subjects, ["first", "second", "program"]);
    let reason = "dmarc-quarantine: DMARC is `fail` for \"careful.test\"";
    assert_eq!(listed[0]["quarantine"]["reason"], reason);
    assert_eq!(listed[0]["recipients"].as_array().unwrap().len(), 2);
    let by_reason = system.json(&["quarantine", "list", "--reason", "blocked-attachment"]);
    assert_eq!(by_reason.as_array().unwrap().len(), 1);
    let [first, second, third] = [0, 1, 2].map(|n| number(&listed[n]));

    let shown = system.postern(&["quarantine", "show", &first], "");
    for part in [
        reason,
        "Subject: first",
        "X-Postern-Marks: dmarc-quarantine",
        "bob@here.test",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!shown.contains("\ntext"), "{shown}");
    let with_text = system.postern(&["quarantine", "show", &first, "--text"], "");
    assert!(with_text.contains("\ntext"), "{with_text}");
    let queued = system.postern(&["queue", "show", &first], "");
    assert!(queued.contains("in quarantine"), "{queued}");
    assert!(
        system
            .postern(&["status"], "")
            .contains("In quarantine: 3 messages.")
    );

    let released = system.json(&["quarantine", "release", &first]);
    assert_eq!(released[0]["recipients"], 2);
    let mail = inbox(&system, "bob@here.test", 2);
    for part in [
        "Subject: first",
        "X-Postern-Marks: dmarc-quarantine",
        "dmarc=fail header.from=careful.test",
    ] {
        assert!(mail.contains(part), "{part}\n{mail}");
    }
    inbox(&system, "eve@here.test", 2);

    let unsure = system.command(&["quarantine", "remove", &second], "");
    assert_eq!(unsure.status.code(), Some(2), "without --yes");
    system.postern(&["quarantine", "remove", &second, &third, "--yes"], "");
    system.await_empty_queue();
    for user in ["bob@here.test", "eve@here.test"] {
        assert!(!inbox(&system, user, 2).contains("second"));
    }
    let story = system.json(&["queue", "show", &second]);
    let events = story["history"].as_array().unwrap();
    let outcomes: Vec<&Value> = events.iter().map(|event| &event["outcome"]).collect();
    assert_eq!(
        outcomes,
        ["quarantined", "quarantined", "removed", "removed"]
    );
    let story = system.postern(&["queue", "show", &first], "");
    assert!(story.contains("released from quarantine by "), "{story}");

    for arguments in [
        &["quarantine", "release", &second][..],
        &["quarantine", "remove", &first, "--yes"],
        &["quarantine", "show", &first],
    ] {
        let answer = system.command(arguments, "");
        assert_eq!(answer.status.code(), Some(1), "{arguments:?}");
        let both = [answer.stdout, answer.stderr].concat();
        let said = String::from_utf8(both).unwrap();
        assert!(said.contains("is not in quarantine"), "{said}");
    }
    let nothing = system.postern(&["quarantine", "list"], "");
    assert!(nothing.contains("The quarantine is empty."), "{nothing}");
}
