//! OAUTHBEARER and XOAUTH2, where the directory offers them. In the tests, "bob" is Bob's token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::system::{Port, System};

const BOB: &str = "bob@example.test";

fn oauthbearer(token: &str) -> String {
    let message = format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}");
    format!("AUTH OAUTHBEARER {}", STANDARD.encode(message))
}

fn xoauth2(token: &str) -> String {
    let message = format!("user=bob\u{1}auth=Bearer {token}\u{1}\u{1}");
    format!("AUTH XOAUTH2 {}", STANDARD.encode(message))
}

/// The first response to a refused token.
fn told(challenge: &str) -> String {
    let text = STANDARD.decode(challenge.trim_end().split_at(4).1).unwrap();
    assert!(!text.windows(6).any(|octets| octets == b"secret"));
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn tokens_are_taken_within_tls_alone() {
    let system = System::start_offering().await;
    for port in [Port::Plaintext, Port::External] {
        let mut client = system.connect(port).await;
        let hello = client.say("EHLO client.test", 250).await;
        assert!(!hello.contains("OAUTH"), "{hello}");
    }
    let mut client = system.connect(Port::Plaintext).await;
    client.say(&oauthbearer("bob"), 504).await;
    for line in [oauthbearer("bob"), xoauth2("bob")] {
        let mut client = system.connect(Port::Submissions).await;
        let hello = client.say("EHLO client.test", 250).await;
        assert!(hello.contains(" OAUTHBEARER XOAUTH2 PLAIN "), "{hello}");
        client.say(&line, 235).await;
        client.say("MAIL FROM:<bob@example.test>", 250).await;
    }
    let mut client = system.connect(Port::Submission).await;
    client.say("STARTTLS", 220).await;
    let mut client = client.start_tls(&system.certificate).await;
    client.say("EHLO client.test", 250).await;
    client.say(&oauthbearer("bob"), 235).await;
    client.envelope(BOB, "x@elsewhere.test").await;
    client.data("", 250).await;
    assert_eq!(system.queue.only().origin.unwrap().login, BOB);
}

#[tokio::test]
async fn a_refused_token_s_bearer_is_told_what_it_needs_and_nothing_else() {
    let system = System::start_offering().await;
    let mut client = system.connect(Port::Submissions).await;
    let why = told(&client.say(&oauthbearer("wrong"), 334).await);
    assert!(why.contains(r#""status":"invalid_token""#), "{why}");
    assert!(
        why.contains(r#""scope":"mail""#) && why.contains("https://id.test/"),
        "{why}"
    );
    client.say("AQ==", 535).await;
    let why = told(&client.say(&xoauth2("no-scope"), 334).await);
    assert!(why.contains(r#""status":"403""#), "{why}");
    client.say("", 535).await;
    client.say("MAIL FROM:<bob@example.test>", 530).await;
    let refusals = system.refusals.told(3).await;
    let (of_login, of_mail): (Vec<_>, Vec<_>) = refusals
        .iter()
        .partition(|r| r.verdict == "token-refused" && r.reasons[0] == "secret cause");
    assert_eq!(of_login.iter().map(|r| r.count).sum::<u64>(), 2);
    assert!(of_mail.iter().all(|r| r.verdict == "login-required"));
    // The third failure is the last.
    client.say(&xoauth2("wrong"), 334).await;
    client.say("*", 501).await;
    client.expect(421).await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_directory_that_is_away_refuses_no_token_for_good() {
    let system = System::start_offering().await;
    let mut client = system.connect(Port::Submissions).await;
    system.set_away(true);
    client.say(&oauthbearer("bob"), 454).await;
    system.set_away(false);
    client.say(&oauthbearer("bob"), 235).await;
}

#[tokio::test]
async fn what_the_directory_does_not_offer_is_neither_announced_nor_taken() {
    let system = System::start().await;
    let mut client = system.connect(Port::Submissions).await;
    let hello = client.say("EHLO client.test", 250).await;
    assert!(hello.contains("SCRAM-SHA-1 PLAIN LOGIN\n"), "{hello}");
    client.say(&oauthbearer("bob"), 504).await;
    client.say("AUTH CRAM-MD5", 504).await;
}
