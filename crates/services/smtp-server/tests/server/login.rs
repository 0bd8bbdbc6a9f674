use std::sync::atomic::Ordering;

use crate::system::{Port, System};

/// `\0bob@example.test\0secret`
const BOB: &str = "AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0";
/// `\0bob@example.test\0wrong`
const WRONG: &str = "AGJvYkBleGFtcGxlLnRlc3QAd3Jvbmc=";
/// `eve@example.test\0bob@example.test\0secret`
const BOB_FOR_EVE: &str = "ZXZlQGV4YW1wbGUudGVzdABib2JAZXhhbXBsZS50ZXN0AHNlY3JldA==";
/// `\0throttled@example.test\0secret`
const THROTTLED: &str = "AHRocm90dGxlZEBleGFtcGxlLnRlc3QAc2VjcmV0";

#[tokio::test]
async fn a_login_makes_trusted() {
    let system = System::start().await;
    let mut client = system.connect(Port::Submissions).await;
    client.say("MAIL FROM:<bob@example.test>", 530).await;
    client.say(&format!("AUTH PLAIN {BOB}"), 235).await;
    client
        .envelope("bob@example.test", "x@elsewhere.test")
        .await;
    client.data("", 250).await;
    let submission = system.queue.only();
    let origin = submission.origin.unwrap();
    assert_eq!(origin.component, "submission");
    assert_eq!(origin.login, "bob@example.test");
    assert_eq!(origin.trust, "authenticated");
    assert!(origin.tls);
    let header = submission.content.unwrap().header;
    let header = std::str::from_utf8(&header).unwrap();
    assert!(
        header.contains("with ESMTPSA\r\n (TLSv1.3 TLS_"),
        "{header}"
    );
}

#[tokio::test]
async fn passwords_need_tls_unless_the_listener_says_otherwise() {
    let system = System::start().await;
    let mut client = system.connect(Port::Submission).await;
    client.say(&format!("AUTH PLAIN {BOB}"), 538).await;
    let mut client = system.connect(Port::Internal).await;
    client.say(&format!("AUTH PLAIN {BOB}"), 503).await;
    let mut client = system.connect(Port::Plaintext).await;
    client.say(&format!("AUTH PLAIN {BOB}"), 235).await;
}

#[tokio::test]
async fn after_some_wrong_passwords_the_connection_is_closed() {
    let system = System::start().await;
    let mut client = system.connect(Port::Plaintext).await;
    client.say(&format!("AUTH PLAIN {WRONG}"), 535).await;
    client.say(&format!("AUTH PLAIN {BOB_FOR_EVE}"), 535).await;
    client.say(&format!("AUTH PLAIN {WRONG}"), 535).await;
    client.expect(421).await;
    client.expect_end().await;
}

#[tokio::test]
async fn who_cannot_be_checked_may_try_again() {
    let system = System::start().await;
    let mut client = system.connect(Port::Plaintext).await;
    client.say(&format!("AUTH PLAIN {THROTTLED}"), 454).await;
    system.directory.away.store(true, Ordering::SeqCst);
    let reply = client.say(&format!("AUTH PLAIN {BOB}"), 454).await;
    assert!(!reply.contains("secret"), "{reply}");
    client.say("MAIL FROM:<bob@example.test>", 530).await;
}
