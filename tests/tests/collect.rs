//! I10 on the real system, which collects from its own POP3 server: the contents of one user's INBOX move to
//! another's, whichever process dies meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::{Imap, Process, SOON, Smtp, System, assert_same_below_trace, eventually};

const REMOTE: &str = "office@isp.test";
const LOCAL: &str = "bob@collect.test";
const BETWEEN_KILLS: Duration = Duration::from_millis(700);

fn start() -> System {
    let system = System::start();
    system.apply_policy(&policy(&system, false));
    system.add_users(&[REMOTE, LOCAL]);
    // With a line end, as people type it.
    system.postern(&["secret", "set", "isp-pop"], "secret\n");
    system
}

fn policy(system: &System, collect: bool) -> String {
    format!(
        r#"
        [[domain]]
        name = "isp.test"
        deliver = "mailboxes"

        [[domain]]
        name = "collect.test"
        deliver = "mailboxes"

        [[collect]]
        name = "isp"
        enabled = {collect}
        server = "127.0.0.1:{}"
        protocol = "pop3"
        login = {{ user = "{REMOTE}", secret = "isp-pop" }}
        every = "1 s"
        deliver = {{ mailbox = "{LOCAL}" }}
        "#,
        system.ports().pop3
    )
}

fn send(system: &System, message: &[u8]) {
    let mut smtp = Smtp::hello(system.smtp()).unwrap();
    let reply = smtp.send("a@x.test", &[REMOTE], message).unwrap();
    assert_eq!(reply.code, 250);
}

/// Subjects in a user's INBOX, once all servers are running.
fn subjects(system: &System, user: &str) -> Option<Vec<String>> {
    let mut imap = Imap::inbox(system.ports().imap, user).ok()?;
    imap.field_of_all("Subject").ok()
}

#[test]
fn i10_a_remote_account_is_emptied_into_a_mailbox_byte_for_byte() {
    let system = start();
    let large = format!(
        "Subject: large\r\n\r\n{}",
        "..a line with dots.\r\n.\r\n".repeat(40_000)
    );
    let message = b"Subject: small\r\n\r\n.\r\n..dots\r\nthe end\r\n".as_slice();
    send(&system, message);
    send(&system, large.as_bytes());
    system.await_empty_queue();
    system.apply_policy(&policy(&system, true));
    let mut imap = Imap::inbox(system.ports().imap, LOCAL).unwrap();
    let uids = eventually("both messages", SOON, || {
        imap.uids().ok().filter(|uids| uids.len() == 2)
    });
    assert_same_below_trace(&imap.message(uids[0]).unwrap(), message);
    assert_same_below_trace(&imap.message(uids[1]).unwrap(), large.as_bytes());
    eventually("an empty remote account", SOON, || {
        subjects(&system, REMOTE)?.is_empty().then_some(())
    });
    let status = system.json(&["status"]);
    assert!(status.to_string().contains("isp"), "{status}");
}

#[test]
fn i10_collecting_survives_kills_without_loss_or_repetition() {
    const MESSAGES: usize = 100;
    let system = start();
    let wanted: BTreeSet<String> = (0..MESSAGES).map(|number| format!("m{number}")).collect();
    for subject in &wanted {
        let message = format!("Subject: {subject}\r\n\r\n{}\r\n", "x".repeat(3000));
        send(&system, message.as_bytes());
    }
    system.await_empty_queue();
    system.apply_policy(&policy(&system, true));
    let victims = [
        Process::Collector,
        Process::Pop3,
        Process::Collector,
        Process::Queue,
        Process::Collector,
        Process::MailboxStore,
    ];
    for victim in victims {
        std::thread::sleep(BETWEEN_KILLS);
        system.kill(victim);
    }
    eventually("all messages", SOON * 2, || {
        let found = subjects(&system, LOCAL)?;
        let distinct: BTreeSet<&String> = found.iter().collect();
        assert_eq!(distinct.len(), found.len(), "collected twice: {found:?}");
        (found.len() == MESSAGES).then_some(())
    });
    eventually("an empty remote account", SOON, || {
        subjects(&system, REMOTE)?.is_empty().then_some(())
    });
    let found: BTreeSet<String> = subjects(&system, LOCAL).unwrap().into_iter().collect();
    assert_eq!(found, wanted);
}

/// A message without a mailbox stays at the provider.
#[test]
fn i10_an_account_is_not_left_without_a_mailbox() {
    let system = start();
    send(&system, b"Subject: kept\r\n\r\ntext\r\n");
    system.await_empty_queue();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    for (local, reason) in [
        (
            "nobody@collect.test",
            "there is no user nobody@collect.test",
        ),
        ("bob@foreign.test", "foreign.test goes to other servers"),
    ] {
        std::fs::write(&file, policy(&system, true).replace(LOCAL, local)).unwrap();
        let refused = system.command(&["policy", "apply", file.to_str().unwrap(), "--yes"], "");
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{text}");
        assert!(text.contains(reason), "{text}");
    }
    system.apply_policy(&policy(&system, true));
    eventually("what was sent", SOON, || {
        (subjects(&system, LOCAL)? == ["kept"]).then_some(())
    });
    let refused = system.command(&["user", "remove", LOCAL, "--yes"], "");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains("collection account isp"), "{text}");
    let refused = system.command(&["domain", "remove", "collect.test", "--yes"], "");
    assert_eq!(refused.status.code(), Some(1), "it has the mailbox");
    assert!(!subjects(&system, LOCAL).unwrap().is_empty());
    let status = system.json(&["status"]);
    assert_eq!(status["well"], true, "{status}");
}
