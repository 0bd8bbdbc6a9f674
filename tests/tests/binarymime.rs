//! A BINARYMIME message is stored as ordinary mail with the same content.

use base64::Engine as _;

use crate::harness::{Imap, SOON, Smtp, System, eventually, unique};

#[test]
fn a_binary_part_is_read_back_octet_by_octet() {
    let system = System::shared();
    let domain = format!("{}.test", unique("binary"));
    let bob = format!("bob@{domain}");
    system.add_domain(&domain);
    system.add_users(&[&bob]);

    // More than any buffer holds, with every sequence that a line of text may not contain.
    let file: Vec<u8> = b"\0\n\r\r\n.\r\n\r\n--=_\r\n"
        .iter()
        .copied()
        .chain((0..=255).cycle().take(300_000))
        .chain(*b"\n")
        .collect();
    let head = "From: a@client.test\r\nSubject: a file\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\
                Content-Transfer-Encoding: binary\r\n\r\n--=_b\r\n\r\nHello\r\n--=_b\r\n\
                Content-Type: application/octet-stream\r\n\
                Content-Transfer-Encoding: binary\r\n\r\n";
    let message = [head.as_bytes(), &file, b"\r\n--=_b--\r\n"].concat();

    let mut smtp = Smtp::hello(system.external()).unwrap();
    let mut say = |line: &str, code: u16| {
        let reply = smtp.command(line).unwrap();
        assert_eq!(reply.code, code, "{line}: {}", reply.text);
    };
    say("MAIL FROM:<a@client.test> BODY=BINARYMIME", 250);
    say(&format!("RCPT TO:<{bob}>"), 250);
    let mut pieces = message.chunks(100_000).peekable();
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() { " LAST" } else { "" };
        smtp.raw(format!("BDAT {}{last}\r\n", piece.len()).as_bytes())
            .unwrap();
        smtp.raw(piece).unwrap();
        let reply = smtp.reply().unwrap();
        assert_eq!(reply.code, 250, "{}", reply.text);
    }

    let mut imap = Imap::inbox(system.ports().imap, &bob).unwrap();
    let uid = eventually("the message", SOON, || {
        imap.uids().unwrap().first().copied()
    });
    let structure = imap
        .command(&format!("UID FETCH {uid} BODYSTRUCTURE"))
        .unwrap();
    let structure = String::from_utf8(structure).unwrap().to_uppercase();
    assert!(structure.contains("\"BASE64\""), "{structure}");
    assert!(!structure.contains("BINARY\""), "{structure}");
    let text = imap.part(uid, "1").unwrap();
    assert_eq!(text, b"Hello");
    let mut encoded = imap.part(uid, "2").unwrap();
    assert!(
        encoded
            .split(|&octet| octet == b'\n')
            .all(|line| line.len() <= 77)
    );
    encoded.retain(|octet| !octet.is_ascii_whitespace());
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(&encoded)
        .unwrap();
    assert!(
        decoded == file,
        "{} octets of {}",
        decoded.len(),
        file.len()
    );
}
