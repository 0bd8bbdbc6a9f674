use super::*;

/// A small message never asks the store for anything.
fn intake() -> Intake {
    Intake::to_queue(Channel::from_static("http://127.0.0.1:1").connect_lazy())
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
