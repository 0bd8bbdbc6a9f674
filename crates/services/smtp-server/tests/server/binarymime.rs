//! BINARYMIME: binary content arrives unchanged, and is passed on as text.

use api::message::v1::content::Text;
use api::queue::v1::Submission;

use crate::client::Client;
use crate::system::{Port, System, header};

/// A text and a file with every octet value.
fn message(header: &str) -> Vec<u8> {
    let head = format!(
        "Subject: Files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\
         Content-Transfer-Encoding: binary\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n{header}\
         Content-Transfer-Encoding: binary\r\n\r\n"
    );
    let file: Vec<u8> = (0..=255).chain(*b"\n\r\r.\n\r\n.\r\n").collect();
    [head.as_bytes(), &file, b"\r\n--b--\r\n"].concat()
}

/// Declares a binary message.
async fn declare(client: &mut Client) {
    client
        .say("MAIL FROM:<a@client.test> BODY=BINARYMIME", 250)
        .await;
    client.say("RCPT TO:<bob@example.test>", 250).await;
}

async fn send(client: &mut Client, message: &[u8], pieces: usize, code: u16) -> String {
    declare(client).await;
    for piece in message.chunks(pieces) {
        let command = format!("BDAT {}\r\n", piece.len()).into_bytes();
        client.send([&command, piece].concat()).await;
        let (answered, reply) = client.reply().await;
        if answered != 250 {
            // The refused chunk ends the message.
            assert_eq!(answered, code, "{reply}");
            return reply;
        }
    }
    client.say("BDAT 0 LAST", code).await
}

fn taken(submission: Submission) -> (String, String) {
    let header = header(&submission);
    let Some(Text::Inline(text)) = submission.content.unwrap().text else {
        panic!("it is small");
    };
    let text = String::from_utf8(text.to_vec()).unwrap();
    (header, text)
}

#[tokio::test]
async fn what_is_binary_is_text_for_the_queue() {
    let system = System::start().await;
    for (n, pieces) in [1_000, 40].into_iter().enumerate() {
        let mut client = system.connect(Port::External).await;
        send(&mut client, &message(""), pieces, 250).await;
        let submission = system.queue.accepted().remove(n);
        assert!(submission.eight_bit && !submission.binary);
        let (header, text) = taken(submission);
        assert!(
            header.contains("\r\nContent-Transfer-Encoding: 8bit\r\n"),
            "{header}"
        );
        assert!(text.starts_with(
            "--b\r\n\r\nHello\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAwQF"
        ));
        assert!(text.ends_with("\r\n--b--\r\n"), "{text}");
    }
    // A submission also gets its missing header fields.
    let mut client = system.connect(Port::Plaintext).await;
    client
        .say("AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0", 235)
        .await;
    client
        .say("MAIL FROM:<bob@example.test> BODY=BINARYMIME", 250)
        .await;
    client.say("RCPT TO:<eve@example.test>", 250).await;
    client
        .send(b"BDAT 39 LAST\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\n")
        .await;
    client.expect(250).await;
    let (header, text) = taken(system.queue.accepted().remove(2));
    assert!(header.contains("\r\nMessage-ID: <"), "{header}");
    assert!(
        header.ends_with("Content-Transfer-Encoding: base64\r\n\r\n"),
        "{header}"
    );
    assert_eq!(text, "AAo=\r\n");
}

#[tokio::test]
async fn it_comes_by_bdat_alone() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    let greeting = client.say("EHLO client.test", 250).await;
    assert!(greeting.contains("BINARYMIME"), "{greeting}");
    declare(&mut client).await;
    client.say("DATA", 503).await;
    client.send("BDAT 5 LAST\r\n\r\nx\r\n").await;
    client.expect(250).await;
    assert_eq!(taken(system.queue.only()).1, "x\r\n");
}

#[tokio::test]
async fn what_is_not_said_to_be_binary_is_held_to_what_all_mail_is() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    for (message, verdict) in [
        ("Subject: x\0\r\n\r\n", "nul-octet"),
        ("Subject: x\r\n\r\na\nb\r\n", "bare-line-feed"),
        ("Subject: x\r\n\r\na\r", "bare-carriage-return"),
        (
            "Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: binary\r\n\r\na\rb",
            "bare-carriage-return",
        ),
    ] {
        let before = system.refusals.so_far().len() as u64;
        let reply = send(&mut client, message.as_bytes(), 1_000, 550).await;
        assert!(reply.starts_with("550 5.6.0 Message holds a "), "{reply}");
        let refusals = system.refusals.told(before + 1).await;
        assert_eq!(refusals.last().unwrap().verdict, verdict);
    }
    assert!(system.queue.accepted().is_empty());
}

#[tokio::test]
async fn what_cannot_be_made_text_is_refused_and_the_session_goes_on() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    let binary = String::from_utf8_lossy(&message("")).into_owned();
    let signed = binary.replace("multipart/mixed", "multipart/signed");
    let reply = send(&mut client, signed.as_bytes(), 1_000, 554).await;
    assert!(
        reply.starts_with("554 5.6.2 Signed or encrypted"),
        "{reply}"
    );
    let unclear = binary.replace("; boundary=b", "");
    let reply = send(&mut client, unclear.as_bytes(), 1_000, 554).await;
    assert!(reply.starts_with("554 5.6.3 "), "{reply}");
    let refusals = system.refusals.told(2).await;
    let mut verdicts: Vec<_> = refusals.iter().map(|one| one.verdict.as_str()).collect();
    verdicts.sort_unstable();
    assert_eq!(verdicts, ["binary-sealed", "binary-unclear"]);
    send(&mut client, &message(""), 1_000, 250).await;
}

#[tokio::test]
async fn the_attachment_screen_sees_what_readers_will_see() {
    let rules = "[receiving.untrusted]\nblock-attachments = [\"*.exe\", \"application/x-msdownload\"]\n\
                 [[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n";
    let system = System::start_with(rules, |_| {}).await;
    let mut client = system.connect(Port::External).await;
    let named = message("Content-Disposition: attachment; filename=a.exe\r\n");
    send(&mut client, &named, 1_000, 550).await;
    // Detected by its content.
    let program = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                   MZ\u{90}\0\u{3}\0\0\0\u{4}\0\0\0";
    let program: Vec<u8> = program.chars().map(|c| c as u8).chain([0; 600]).collect();
    send(&mut client, &program, 100, 550).await;
    let text = "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                begin 644 a.exe\r\n";
    send(&mut client, text.as_bytes(), 7, 550).await;
    send(&mut client, &message(""), 1_000, 250).await;
}

#[tokio::test]
async fn what_is_too_large_as_text_is_refused_though_it_came_smaller() {
    let system = System::start().await;
    let mut client = system.connect(Port::External).await;
    let mut large = message("");
    let end = large.len() - b"\r\n--b--\r\n".len();
    // 2 MiB are allowed.
    large.splice(end..end, vec![0; 1_800_000]);
    let reply = send(&mut client, &large, large.len(), 552).await;
    assert!(reply.contains("5.3.4"), "{reply}");
    send(&mut client, &message(""), 1_000, 250).await;
}
