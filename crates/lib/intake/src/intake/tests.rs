#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
use super::*;

/// A small message never asks the store for anything.
fn intake() -> Intake {
    Intake::to_queue(Channel::to_nowhere())
}

#[tokio::test]
async fn a_nul_octet_is_not_taken_wherever_it_stands() {
    for message in [
        &b"\0Subject: x\r\n\r\ntext"[..],
        b"Subject: x\r\n\r\ntext\0",
    ] {
        for size in 1..message.len() {
            let mut intake = intake();
            let mut refused = None;
            for piece in message.chunks(size) {
                if let Err(error) = intake.push(piece).await {
                    refused = Some(error);
                    break;
                }
            }
            assert!(matches!(refused, Some(IntakeError::Nul)), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn text_without_a_header_does_not_run_into_the_fields_before_it() {
    for text in [
        "just text\r\n",
        " indented: text\r\n",
        "\ttext\r\n\r\nmore\r\n",
    ] {
        let mut intake = intake();
        intake.put_above("Received: from x\r\n");
        intake.push(text.as_bytes()).await.unwrap();
        intake.put_above("Authentication-Results: x\r\n");
        let Screened {
            prefix, content, ..
        } = intake.finish_screened().await.unwrap();
        assert_eq!(prefix, "Authentication-Results: x\r\nReceived: from x\r\n");
        assert_eq!(content.header, "\r\n");
        assert_eq!(content.text, Some(content::Text::Inline(text.into())));
        assert_eq!(content.text_size, text.len() as u64);
    }
}
