//! Messages to deliver.

/// A message by its name in transcripts.
pub(crate) fn named(name: &str) -> Vec<u8> {
    match name {
        "plain" => b"From: Alice <alice@example.test>\r\n\
            To: bob@example.test\r\n\
            Subject: Hello\r\n\
            Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n\
            Message-ID: <1@example.test>\r\n\
            \r\n\
            Hello Bob\r\n"
            .to_vec(),
        "multipart" => b"Subject: Parts\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\
            \r\n\
            --b\r\n\
            Content-Type: text/plain\r\n\
            \r\n\
            one\r\n\
            --b\r\n\
            Content-Type: message/rfc822\r\n\
            \r\n\
            Subject: Inner\r\n\
            From: carol@example.test\r\n\
            \r\n\
            two\r\n\
            --b--\r\n"
            .to_vec(),
        other => panic!("no message {other}"),
    }
}
