//! Attachments blocked by the policy: refused, or removed.

use api::message::v1::content::Text;

use crate::system::{Port, System, header};

const RULES: &str = r#"
[receiving.untrusted]
block-attachments = ["*.exe", "application/x-msdownload"]

[receiving.trusted]
block-attachments = ["*.scr"]
blocked-attachments = "strip"

[[domain]]
name = "example.test"
deliver = "mailboxes"
"#;

fn message(name: &str) -> String {
    format!(
        "Subject: Files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\n\r\nHello\r\n--b\r\nContent-Type: application/octet-stream\r\n\
         Content-Disposition: attachment; filename={name}\r\n\r\nx\r\n--b\r\n\
         Content-Type: text/html\r\n\r\n<p>\t.</p>\r\n--b--\r\n"
    )
}

#[tokio::test]
async fn a_blocked_attachment_is_refused_and_the_session_goes_on() {
    let system = System::start_with(RULES, |_| {}).await;
    let mut client = system.connect(Port::External).await;
    client.envelope("a@client.test", "bob@example.test").await;
    let reply = client.data(message("setup.EXE"), 550).await;
    assert_eq!(
        reply,
        "550 5.7.1 Message has an attachment that is not accepted here\n"
    );
    // The same by BDAT, in pieces.
    client.envelope("a@client.test", "bob@example.test").await;
    let message = message("setup.exe");
    let (one, two) = message.split_at(180);
    client.send(format!("BDAT {}\r\n{one}", one.len())).await;
    client.expect(250).await;
    client
        .send(format!("BDAT {} LAST\r\n{two}", two.len()))
        .await;
    client.expect(550).await;
    // Content that cannot be checked is refused as well.
    client.envelope("a@client.test", "bob@example.test").await;
    let fragment = "Content-Type: message/partial; id=x; number=1; total=2\r\n\r\nx";
    let reply = client.data(fragment, 550).await;
    assert!(reply.contains("5.6.0"), "{reply}");
    client.envelope("a@client.test", "bob@example.test").await;
    client.data(self::message("notes.txt"), 250).await;
    let taken = system.queue.only();
    let Some(Text::Inline(text)) = taken.content.unwrap().text else {
        panic!("it is small");
    };
    // The line end before DATA's dot belongs to the message.
    let sent = format!("{}\r\n", self::message("notes.txt"));
    assert!(sent.ends_with(std::str::from_utf8(&text).unwrap()));
}

#[tokio::test]
async fn what_clients_may_read_otherwise_is_refused_and_a_text_that_begins_like_a_program_is_not() {
    let system = System::start_with(RULES, |_| {}).await;
    let mut client = system.connect(Port::External).await;
    let plain = message("setup.exe");
    for (written, otherwise, code) in [
        ("boundary=b", "boundary=(x)b", "5.7.1"),
        ("boundary=b", "boundary=\"\"", "5.6.0"),
        ("boundary=b", "boundary=z; boundary*=utf-8''b", "5.6.0"),
        ("boundary=b", "boundary=z", "5.6.0"),
    ] {
        let message = plain.replace(written, otherwise);
        client.envelope("a@client.test", "bob@example.test").await;
        let reply = client.data(message, 550).await;
        assert!(reply.contains(code), "{otherwise}: {reply}");
    }
    let encoded = "Content-Transfer-Encoding: x-yenc\r\n\r\n=ybegin line=128 size=1 name=x\r\n";
    client.envelope("a@client.test", "bob@example.test").await;
    let reply = client.data(encoded, 550).await;
    assert!(reply.contains("5.6.0"), "{reply}");
    client.envelope("a@client.test", "bob@example.test").await;
    client
        .data("Subject: it\r\n\r\nMZone meeting today", 250)
        .await;
}

#[tokio::test]
async fn a_blocked_attachment_is_taken_out_for_those_whose_rules_say_so() {
    let system = System::start_with(RULES, |_| {}).await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data(message("setup.scr"), 250).await;
    let content = system.queue.only().content.unwrap();
    let Some(Text::Inline(text)) = content.text else {
        panic!("it is small");
    };
    let text = String::from_utf8(text.to_vec()).unwrap();
    let (before, rest) = text
        .split_once("Content-Type: text/plain; charset=utf-8\r\n")
        .unwrap();
    assert_eq!(before, "--b\r\n\r\nHello\r\n--b\r\n");
    let (note, after) = rest.split_once("--b\r\n").unwrap();
    assert!(note.contains("The attachment \"setup.scr\""), "{note}");
    assert_eq!(
        after,
        "Content-Type: text/html\r\n\r\n<p>\t.</p>\r\n--b--\r\n\r\n"
    );
    // The stored summary is that of the message as stored.
    assert_eq!(content.text_size, text.len() as u64);
    let structure = content.summary.unwrap().body_structure;
    let structure = String::from_utf8(structure.to_vec()).unwrap();
    assert!(!structure.contains("setup.scr"), "{structure}");
    assert!(
        structure.to_lowercase().contains("quoted-printable"),
        "{structure}"
    );
}

#[tokio::test]
async fn a_blocked_attachment_puts_a_message_into_quarantine_whole() {
    let rules = RULES.replace("\"strip\"", "\"quarantine\"");
    let system = System::start_with(&rules, |_| {}).await;
    let mut client = system.connect(Port::Internal).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data(message("notes.txt"), 250).await;
    client.envelope("a@client.test", "bob@example.test").await;
    client.data(message("setup.scr"), 250).await;
    // Content that cannot be checked goes to the administrator as well.
    client.envelope("a@client.test", "bob@example.test").await;
    let fragment = "Content-Type: message/partial; id=x; number=1; total=2\r\n\r\nx";
    client.data(fragment, 250).await;
    let accepted = system.queue.accepted();
    let [plain, blocked, unclear] = accepted.as_slice() else {
        panic!("{} were accepted", accepted.len());
    };
    assert_eq!(plain.quarantine, None);
    let [terms, unclear] = [blocked, unclear].map(|one| one.quarantine.as_ref().unwrap());
    assert_eq!(
        terms.reason,
        "blocked-attachment: the attachment \"setup.scr\" is blocked by its name (rule \"*.scr\"); \
         `block-attachments` for trusted"
    );
    assert_eq!(terms.seconds, 30 * 86_400);
    let Some(Text::Inline(text)) = &blocked.content.as_ref().unwrap().text else {
        panic!("it is small");
    };
    let sent = format!("{}\r\n", message("setup.scr"));
    assert!(sent.ends_with(std::str::from_utf8(text).unwrap()));
    assert!(
        unclear.reason.starts_with("unclear-attachments: "),
        "{}",
        unclear.reason
    );
}

/// A submission gets its Date and Message-ID ahead of a header section that is held back.
#[tokio::test]
async fn a_message_that_is_its_only_attachment_becomes_the_note() {
    let system = System::start_with(RULES, |_| {}).await;
    let mut client = system.connect(Port::Plaintext).await;
    client
        .say("AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0", 235)
        .await;
    client
        .envelope("bob@example.test", "eve@example.test")
        .await;
    client
        .data(
            "Subject: it\r\nContent-Type: application/octet-stream; name=it.scr\r\n\r\nMZ",
            250,
        )
        .await;
    let submission = system.queue.only();
    let header = header(&submission);
    assert!(header.contains("Subject: it\r\n"), "{header}");
    assert!(header.contains("Message-ID: "), "{header}");
    assert!(
        header.ends_with("Content-Disposition: inline\r\n\r\n"),
        "{header}"
    );
    assert!(!header.contains("it.scr"), "{header}");
}
