use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use test_kit::SaslClient;

use crate::client::Client;
use crate::system::{Port, System, header};

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
    let header = header(&submission);
    let origin = submission.origin.unwrap();
    assert_eq!(origin.component(), api::queue::v1::Component::Submission);
    assert_eq!(origin.login, "bob@example.test");
    assert_eq!(origin.trust, "authenticated");
    assert!(origin.tls);
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
    system.set_away(true);
    let reply = client.say(&format!("AUTH PLAIN {BOB}"), 454).await;
    assert!(!reply.contains("secret"), "{reply}");
    client.say("MAIL FROM:<bob@example.test>", 530).await;
}

/// Performs SCRAM-SHA-256 as `login` with this password; returns the code of the last reply.
async fn scram(client: &mut Client, login: &str, password: &str, exporter: Option<&[u8]>) -> u16 {
    let mechanism = match exporter {
        Some(_) => "SCRAM-SHA-256-PLUS",
        None => "SCRAM-SHA-256",
    };
    let mut sasl = SaslClient::new(mechanism, login, password);
    if let Some(exporter) = exporter {
        sasl = sasl.bound_to(exporter);
    }
    let initial = STANDARD.encode(sasl.respond(b""));
    client.send(format!("AUTH {mechanism} {initial}\r\n")).await;
    loop {
        let (code, text) = client.reply().await;
        if code != 334 {
            return code;
        }
        let response = STANDARD.encode(sasl.respond(decoded(&text).as_bytes()));
        client.send(format!("{response}\r\n")).await;
    }
}

fn decoded(reply: &str) -> String {
    let challenge = STANDARD.decode(reply.trim_end().split_at(4).1).unwrap();
    String::from_utf8(challenge).unwrap()
}

#[tokio::test]
async fn a_proof_logs_in_and_a_wrong_one_does_not() {
    let system = System::start().await;
    let mut client = system.connect(Port::Plaintext).await;
    let bob = "bob@example.test";
    assert_eq!(scram(&mut client, bob, "wrong", None).await, 535);
    assert_eq!(
        scram(&mut client, "nobody@example.test", "secret", None).await,
        535
    );
    client.say("MAIL FROM:<bob@example.test>", 530).await;
    assert_eq!(scram(&mut client, bob, "secret", None).await, 235);
    client.envelope(bob, "x@elsewhere.test").await;
    client.data("", 250).await;
    assert_eq!(system.queue.only().origin.unwrap().login, bob);
}

#[tokio::test]
async fn a_proof_is_bound_to_its_tls_session() {
    let system = System::start().await;
    let bob = "bob@example.test";
    let (mut client, exporter) = system.connect_bound().await;
    assert_eq!(scram(&mut client, bob, "secret", Some(&[7; 32])).await, 535);
    assert_eq!(
        scram(&mut client, bob, "secret", Some(&exporter)).await,
        235
    );
}

#[tokio::test]
async fn what_is_announced_is_the_best_first_and_bound_where_there_is_tls() {
    let system = System::start().await;
    let mut client = system.connect(Port::Plaintext).await;
    let hello = client.say("EHLO client.test", 250).await;
    assert!(
        hello.contains("250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN\n"),
        "{hello}"
    );
    let mut client = system.connect(Port::Submissions).await;
    let hello = client.say("EHLO client.test", 250).await;
    assert!(
        hello.contains("250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM"),
        "{hello}"
    );
}
