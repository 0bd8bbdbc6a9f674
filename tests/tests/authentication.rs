//! Mail of a stranger: authentication decides whether it is accepted and where it goes.

use test_kit::FakeDns;

use crate::harness::{Imap, SOON, Setup, Smtp, System, eventually};

const ZONE: &str = r#"
1.0.0.127.in-addr.arpa PTR client.test
client.test A 127.0.0.1
client.test TXT "v=spf1 ip4:127.0.0.1 -all"
_dmarc.client.test TXT "v=DMARC1; p=reject"
_dmarc.careful.test TXT "v=DMARC1; p=quarantine"
_dmarc.strict.test TXT "v=DMARC1; p=reject"
_dmarc.broken.test SERVFAIL
"#;

/// The reply to a message of this author.
fn send(system: &System, author: &str) -> String {
    let message = format!("From: {author}\r\nSubject: by {author}\r\n\r\ntext\r\n");
    let mut smtp = Smtp::hello(system.external()).unwrap();
    let reply = smtp
        .send(author, &["bob@here.test"], message.as_bytes())
        .unwrap();
    format!("{} {}", reply.code, reply.text)
}

/// The contents of a mailbox of Bob's, once it holds this many messages.
fn read(system: &System, mailbox: &str, count: usize) -> String {
    let mut imap = Imap::inbox(system.ports().imap, "bob@here.test").unwrap();
    let uids = eventually(mailbox, SOON, || {
        imap.command(&format!("SELECT {mailbox}")).unwrap();
        Some(imap.uids().unwrap()).filter(|uids| uids.len() >= count)
    });
    assert_eq!(uids.len(), count, "{mailbox}");
    let messages = uids.iter().map(|uid| imap.message(*uid).unwrap());
    String::from_utf8(messages.collect::<Vec<_>>().concat()).unwrap()
}

#[test]
fn a_new_system_does_what_the_authors_domain_asks_for() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let dns = runtime.block_on(FakeDns::start(ZONE));
    let system = System::start_with(&Setup {
        resolver: Some(dns.address()),
        ..Setup::default()
    });
    system.add_domain("here.test");
    system.add_users(&["bob@here.test"]);

    let refused = send(&system, "a@strict.test");
    assert!(refused.starts_with("550"), "{refused}");
    for author in ["a@client.test", "a@broken.test", "a@careful.test"] {
        let taken = send(&system, author);
        assert!(taken.starts_with("250"), "{author}: {taken}");
    }
    system.await_empty_queue();

    let inbox = read(&system, "INBOX", 2);
    for found in [
        "iprev=pass policy.iprev=127.0.0.1",
        "spf=pass smtp.mailfrom=client.test",
        "dmarc=pass header.from=client.test policy.dmarc=reject",
        "dmarc=temperror",
        "Subject: by a@broken.test",
    ] {
        assert!(inbox.contains(found), "{found}\n{inbox}");
    }
    let junk = read(&system, "Junk", 1);
    for found in [
        "Subject: by a@careful.test",
        "X-Postern-Marks: dmarc-quarantine",
    ] {
        assert!(junk.contains(found), "{found}\n{junk}");
    }
}
