//! Questions about the policy: `explain`, `policy test`, and the reasons of a refusal.

use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{SOON, Smtp, System, eventually, programs, unique};

const POLICY: &str = r#"
[[trust]]
name = "office"
action = "trust"
where = { network = "192.0.2.0/24" }

[[domain]]
name = "example.test"
deliver = "mailboxes"
"#;

/// Runs a command without a system.
fn without_a_system(arguments: &[&str]) -> Output {
    let nowhere = tempfile::tempdir().unwrap();
    Command::new(programs().join("postern"))
        .args(arguments)
        .arg("--data")
        .arg(nowhere.path())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(both).unwrap()
}

#[test]
fn a_proposed_policy_is_asked_without_a_system() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, POLICY).unwrap();
    let policy = policy.to_str().unwrap();
    let explain = |rest: &[&str]| {
        let ask = ["explain", "--policy", policy, "--from", "a@x.test"];
        without_a_system(&[ask.as_slice(), rest].concat())
    };
    let bob = "bob@example.test";
    let accepted = explain(&["--peer", "203.0.113.9", "--to", bob, "--user", bob]);
    assert_eq!(accepted.status.code(), Some(0), "{}", said(&accepted));
    assert!(said(&accepted).contains("Accepted: mailbox bob@example.test."));
    let nobody = explain(&["--peer", "203.0.113.9", "--to", bob]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(said(&nobody).contains("Refused: no-such-user."));
    let office = explain(&[
        "--peer",
        "192.0.2.7",
        "--to",
        "b@y.test",
        "--to",
        "c@z.test",
    ]);
    assert_eq!(office.status.code(), Some(0), "{}", said(&office));
    let office = said(&office);
    assert!(office.contains("trust policy \"office\"") && office.contains("matches: trust"));
    assert!(office.contains("direct to y.test") && office.contains("direct to z.test"));
    let large = explain(&["--peer", "203.0.113.9", "--to", bob, "--size", "60 MiB"]);
    assert!(said(&large).contains("Refused: message-too-large."));
}

#[test]
fn a_message_is_explained_with_its_attachments_and_its_author() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let rules = "[receiving.untrusted]\nblock-attachments = [\"*.exe\"]\n";
    let policy = file("policy.toml", &format!("{rules}{POLICY}"));
    let message = |attachment: &str| {
        format!(
            "From: Eve <eve@x.test>\nSubject: Photos\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\n\
             Content-Disposition: attachment; filename={attachment}\n\nTVo=\n--b--\n"
        )
    };
    let (bad, good) = (
        file("bad.eml", &message("photo.exe")),
        file("good.eml", &message("photo.jpg")),
    );
    let bob = "bob@example.test";
    let explain = |rest: &[&str]| {
        let ask = ["explain", "--policy", &policy, "--user", bob, "--to", bob];
        without_a_system(&[ask.as_slice(), rest].concat())
    };
    let stranger = ["--peer", "203.0.113.9", "--from", "eve@x.test"];
    let of = |peer: &[&str], message: &str| explain(&[peer, &["--message", message]].concat());
    let refused = of(&stranger, &bad);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    let told = said(&refused);
    assert!(
        told.contains("Accepted: mailbox bob@example.test."),
        "{told}"
    );
    assert!(
        told.contains("Refused: blocked-attachment. The client reads \"550 5.7.1"),
        "{told}"
    );
    assert!(told.contains("the attachment \"photo.exe\" is blocked by its name"));
    let accepted = of(&stranger, &good);
    assert_eq!(accepted.status.code(), Some(0), "{}", said(&accepted));
    // A user who has logged in may use only certain names in From.
    let bob_logs_in = ["--peer", "203.0.113.9", "--login", bob, "--from", bob];
    let told = said(&of(&bob_logs_in, &good));
    assert!(told.contains("Refused: author-not-of-login."), "{told}");

    let told = explain(
        &[
            stranger.as_slice(),
            &["--dmarc", "fail/quarantine", "--json"],
        ]
        .concat(),
    );
    let json: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(json["accepted"], true, "{json}");
    assert_eq!(json["end"]["junk"], true, "{json}");
    assert_eq!(json["end"]["marks"][0], "dmarc-quarantine");
    let wrong = explain(&[stranger.as_slice(), &["--spf", "maybe"]].concat());
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        said(&wrong).contains("--spf: `maybe` is not known here"),
        "{}",
        said(&wrong)
    );
}

#[test]
fn scripts_guard_a_policy_without_a_system() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let policy = file("policy.toml", POLICY);
    let good = file(
        "good.txt",
        "users bob@example.test\nclient 203.0.113.9\nmail <a@x.test> -> accepted\n\
         rcpt <bob@example.test> -> accepted 250 (mailbox bob@example.test)\n\
         rcpt <b@y.test> -> relay-denied 550\n\
         client 192.0.2.7\ntrust -> trust-policy\n",
    );
    let test = |files: &[&str]| {
        let ask = ["policy", "test", "--policy", policy.as_str()];
        without_a_system(&[ask.as_slice(), files].concat())
    };
    let passed = test(&[&good]);
    assert_eq!(passed.status.code(), Some(0), "{}", said(&passed));
    assert!(said(&passed).contains("4 met, 0 not."));

    let wrong = file(
        "wrong.txt",
        "client 203.0.113.9\nmail <a@x.test>\nrcpt <b@y.test> -> accepted\n",
    );
    let failed = test(&[&good, &wrong]);
    assert_eq!(failed.status.code(), Some(1));
    let told = said(&failed);
    assert!(
        told.contains("wrong.txt:3: rcpt <b@y.test>: expected accepted, got relay-denied 550"),
        "{told}"
    );
    assert!(
        told.contains("because no domain rule names y.test"),
        "{told}"
    );
    let json = test(&[&good, &wrong, "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["passed"], false);
    assert_eq!(
        json["scripts"][1]["failed"][0]["found"]["verdict"],
        "relay-denied"
    );

    let bad = file(
        "bad.txt",
        "client 203.0.113.9\nrcpt <b@y.test> -> accepted\n",
    );
    let unread = test(&[&bad]);
    assert_eq!(unread.status.code(), Some(2));
    assert!(
        said(&unread).contains("bad.txt:2: `rcpt` before `mail`"),
        "{}",
        said(&unread)
    );
    let policy = file("policy.toml", "[[domain]]\nname = \"no domain\"\n");
    let unread = without_a_system(&["policy", "test", "--policy", &policy, &good]);
    assert_eq!(unread.status.code(), Some(2));
    assert!(
        said(&unread).contains("policy.toml:2:"),
        "{}",
        said(&unread)
    );
}

#[test]
fn scripts_are_played_against_the_policy_in_force_and_its_users() {
    let system = System::shared();
    let domain = unique("script") + ".test";
    system.add_domain(&domain);
    system.add_users(&[&format!("bob@{domain}")]);
    let script = format!(
        "listener mx external\nclient 203.0.113.9\nmail <a@x.test>\n\
         rcpt <bob@{domain}> -> accepted (mailbox bob@{domain})\n\
         rcpt <eve@{domain}> -> no-such-user\n"
    );
    let told = system.postern(&["policy", "test", "-"], &script);
    assert!(told.contains("2 met, 0 not."), "{told}");
    let first = system.command(&["policy", "test", "-", "--revision", "1"], &script);
    assert_eq!(first.status.code(), Some(1), "the domain was not there yet");
}

#[test]
fn why_a_message_was_refused_is_found_by_recipient_sender_and_verdict() {
    let system = System::shared();
    let name = unique("refused");
    let (sender, recipient) = (format!("{name}@x.test"), format!("{name}@elsewhere.test"));
    let mut smtp = Smtp::hello(system.external()).unwrap();
    smtp.command(&format!("MAIL FROM:<{sender}>")).unwrap();
    for _ in 0..3 {
        let reply = smtp.command(&format!("RCPT TO:<{recipient}>")).unwrap();
        assert_eq!(reply.code, 550);
    }
    let list = |filter: &[&str]| system.json(&[&["refusals", "list"], filter].concat());
    let counted = |found: &Value| {
        let rows = found.as_array().unwrap();
        rows.iter()
            .map(|row| row["count"].as_u64().unwrap())
            .sum::<u64>()
    };
    let found = eventually("the refusals", SOON, || {
        let found = list(&["--recipient", &recipient]);
        (counted(&found) == 3).then_some(found)
    });
    let row = &found[0];
    assert_eq!(row["verdict"], "relay-denied", "{row}");
    assert_eq!(row["sender"], sender.as_str());
    assert_eq!(row["peer"], "127.0.0.1");
    assert!(row["policy_revision"].as_u64().unwrap() > 0, "{row}");
    let reasons = row["reasons"].to_string();
    assert!(
        reasons.contains("no domain rule names elsewhere.test"),
        "{reasons}"
    );

    let hour = ["--since", "1 h", "--address", "127.0.0.0/8"];
    let found = list(
        &[
            &["--sender", &name, "--verdict", "relay-denied"],
            hour.as_slice(),
        ]
        .concat(),
    );
    assert_eq!(counted(&found), 3);
    assert_eq!(
        counted(&list(&["--sender", &name, "--verdict", "no-such-user"])),
        0
    );
    let text = system.postern(&["refusals", "list", "--recipient", &recipient], "");
    assert!(
        text.contains("relay-denied") && text.contains("no domain rule names"),
        "{text}"
    );
}
