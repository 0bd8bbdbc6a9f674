//! I9 at the socket: however a recipient is written, an untrusted client reaches no other domain.

use crate::system::{Port, System};

#[tokio::test]
async fn no_way_of_writing_an_address_opens_a_relay() {
    let system = System::start().await;
    for recipient in [
        "x@elsewhere.test",
        "x%elsewhere.test@other.test",
        "elsewhere.test!x@other.test",
        "\"x@elsewhere.test\"@other.test",
        "@example.test:x@elsewhere.test",
        "x@[127.0.0.1]",
        "x@[IPv6:::1]",
        "x@EXAMPLE.test.elsewhere.test",
        "x@sub.example.test",
    ] {
        let mut client = system.connect(Port::External).await;
        client.say("MAIL FROM:<bob@example.test>", 250).await;
        client.send(format!("RCPT TO:<{recipient}>\r\n")).await;
        let (code, text) = client.reply().await;
        assert_eq!(code, 550, "{recipient}: {text}");
        client.say("DATA", 503).await;
    }
    assert_eq!(*system.queue.arrived.borrow(), 0);
}

#[tokio::test]
async fn the_default_policy_takes_nothing_from_outside() {
    let system = System::start_with("[delivery]\nremote = \"direct\"\n", |_| {}).await;
    let mut client = system.connect(Port::External).await;
    client.say("MAIL FROM:<a@client.test>", 250).await;
    client.say("RCPT TO:<bob@example.test>", 550).await;
}
