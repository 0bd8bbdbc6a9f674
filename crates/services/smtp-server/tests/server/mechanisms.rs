//! Each mechanism, with and without TLS, with the initial response in AUTH or after it.

use smtp_server::TlsMode;
use test_kit::{LineClient, SaslClient};

use crate::certificates::Certified;
use crate::system::{Port, System};

const BOB: &str = "bob@example.test";

fn secret(mechanism: &str) -> &'static str {
    match mechanism {
        // The test's directory accepts a local part as a token.
        "OAUTHBEARER" | "XOAUTH2" => "bob",
        _ => "secret",
    }
}

async fn ehlo(client: &mut LineClient) -> String {
    client.send("EHLO client.test").await;
    client.lines_to("250 ").await.join("\n")
}

/// After STARTTLS, with a certificate.
async fn secured(certified: &Certified) -> LineClient {
    let certificate = certified.authority.certificate(&[BOB]);
    let config = certificate.client_config(&certified.system.certificate);
    let mut client = LineClient::connect(certified.system.added_address()).await;
    client.line().await;
    ehlo(&mut client).await;
    assert!(client.say("STARTTLS").await.starts_with("220 "));
    client.start_tls(config, "mail.example.test").await
}

#[tokio::test]
async fn every_mechanism_logs_in_within_tls() {
    let certified = Certified::start(TlsMode::Starttls, false).await;
    for (mechanism, _, can_be_wrong) in SaslClient::MECHANISMS {
        for along in [true, false] {
            let mut client = secured(&certified).await;
            let hello = ehlo(&mut client).await;
            assert!(hello.contains(&format!(" {mechanism}")), "{hello}");
            let exporter = client.exporter().to_vec();
            let sasl = |secret| SaslClient::new(mechanism, BOB, secret).bound_to(&exporter);
            if can_be_wrong {
                let wrong = sasl("wrong");
                let end = client.authenticate("AUTH", mechanism, wrong, along).await;
                assert!(end.starts_with("535 5.7.8 "), "{mechanism}: {end}");
            }
            let right = sasl(secret(mechanism));
            let end = client.authenticate("AUTH", mechanism, right, along).await;
            assert!(end.starts_with("235 2.7.0 "), "{mechanism}: {end}");
            let end = client.say("MAIL FROM:<bob@example.test>").await;
            assert!(end.starts_with("250 "), "{mechanism}: {end}");
        }
    }
}

#[tokio::test]
async fn without_tls_those_log_in_that_do_not_need_it() {
    let system = System::start_offering().await;
    for (mechanism, needs_tls, _) in SaslClient::MECHANISMS {
        let mut client = LineClient::connect(system.address(Port::Plaintext)).await;
        client.line().await;
        let hello = ehlo(&mut client).await;
        assert_eq!(
            !hello.contains(&format!(" {mechanism}")),
            needs_tls,
            "{hello}"
        );
        let sasl = SaslClient::new(mechanism, BOB, secret(mechanism));
        let end = client.authenticate("AUTH", mechanism, sasl, true).await;
        let expected = if needs_tls {
            "504 5.5.4 "
        } else {
            "235 2.7.0 "
        };
        assert!(end.starts_with(expected), "{mechanism}: {end}");
    }
}

/// A cancelled or malformed login leaves no state for the next.
#[tokio::test]
async fn a_login_that_is_broken_off_ends_and_another_may_begin() {
    let certified = Certified::start(TlsMode::Starttls, false).await;
    for (mechanism, ..) in SaslClient::MECHANISMS {
        let mut client = secured(&certified).await;
        ehlo(&mut client).await;
        let command = format!("AUTH {mechanism}");
        for (response, code) in [
            ("*", "501 5.7.0 "),
            ("!!!", "501 5.5.2 "),
            ("/w==", "501 5.5.2 "),
        ] {
            let challenge = client.say(&command).await;
            assert!(challenge.starts_with("334 "), "{mechanism}: {challenge}");
            let end = client.say(response).await;
            assert!(end.starts_with(code), "{mechanism}: {end}");
        }
        client.say(&command).await;
        let end = client.say(&"A".repeat(13_000)).await;
        assert!(end.starts_with("500 5.5.6 "), "{mechanism}: {end}");
        let plain = SaslClient::new("PLAIN", BOB, "secret");
        let end = client.authenticate("AUTH", "PLAIN", plain, false).await;
        assert!(end.starts_with("235 "), "{mechanism}: {end}");
    }
}
