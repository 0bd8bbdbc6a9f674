//! The log lines that trace a message.

use test_kit::LogLines;

use crate::sink::{Manner, Sink};
use crate::system::{System, message, now_ms};

/// One line for each end, of whatever kind, with the ids of the message.
#[tokio::test]
async fn each_end_of_an_attempt_is_one_line_of_the_log() {
    let log = LogLines::record();
    let sink = Sink::start(Manner::default()).await;
    let zone = "other.test MX 10 mx.other.test\nmx.other.test A 127.0.0.1";
    let system = System::remote(zone, sink.address).await;
    let recipients = [
        "bob@example.test",
        "nobody-reads@example.test",
        "x@other.test",
        "later@other.test",
        "refused@other.test",
    ];
    let mut message = message(1, &recipients);
    message.session = "01M8PP6D2X9Q7".to_owned();
    // By a clock that is ahead: no delay is negative.
    message.received_at_ms = now_ms() + 3_600_000;
    system.queue.give(vec![message]).await;
    for id in 1..=5 {
        system.queue.completion(id).await;
    }
    let mut lines = log.of("mail");
    lines.sort();
    let start = |what: &str, recipient: &str| {
        format!("{what} id=\"01M8PP6D2X9Q7\" message_id=1 recipient=\"{recipient}\"")
    };
    let server = "relay=\"mx.other.test [127.0.0.1]\"";
    let expected = [
        format!(
            "{} mailbox=\"bob@example.test\" delay_ms=0",
            start("delivered", "bob@example.test")
        ),
        format!(
            "{} reason=\"discarded by domain rule example.test, handler nobody-*\" delay_ms=0",
            start("discarded", "nobody-reads@example.test")
        ),
        format!(
            "{} {server} reply=\"450 4.2.1 later\" reason=\"4.2.1 mx.other.test [127.0.0.1] refused \
             the recipient: 450 4.2.1 later\" attempt=1 retry_in_s=60 delay_ms=0",
            start("put off", "later@other.test")
        ),
        format!(
            "{} {server} reply=\"250 2.0.0 taken\" delay_ms=0",
            start("relayed", "x@other.test")
        ),
        format!(
            "{} {server} reply=\"550 5.1.1 no such user\" reason=\"5.1.1 mx.other.test [127.0.0.1] \
             refused the recipient: 550 5.1.1 no such user\" notice=true delay_ms=0",
            start("returned", "refused@other.test")
        ),
    ];
    assert_eq!(lines, expected);
}
