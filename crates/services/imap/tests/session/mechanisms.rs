//! Each mechanism, with and without TLS, with the initial response in AUTHENTICATE or after it.

use imap::TlsMode;
use service_kit::ClientCertificates;
use service_kit::config::TlsConfig;
use tempfile::TempDir;
use test_kit::{ClientAuthority, LineClient, SaslClient, TestCertificate};

use crate::running::Running;

const BOB: &str = "bob@example.test";

/// A front end that requests client certificates, and the authority of those.
struct Kit {
    running: Running,
    certificate: TestCertificate,
    authority: ClientAuthority,
    mode: TlsMode,
    _folder: TempDir,
}

impl Kit {
    async fn start(mode: TlsMode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = TestCertificate::for_names(&["mail.example.test"]);
        let (chain, key, _) = certificate.write_to(folder.path());
        let authority = ClientAuthority::new("ours");
        let clients = ClientCertificates {
            authority: authority.write_to(folder.path()),
            required: false,
        };
        let running = Running::start_with(|config, service| {
            let listener = &mut config.listener[0];
            listener.tls = mode;
            listener.plaintext_auth = false;
            listener.client_certificates = Some(clients);
            service.shared.tls = Some(TlsConfig {
                certificate: chain,
                key,
            });
        })
        .await;
        let kit = Self {
            running,
            certificate,
            authority,
            mode,
            _folder: folder,
        };
        // Until the front end knows the directory's mechanisms.
        while !capability(&mut kit.connect(&[]).await)
            .await
            .contains("OAUTHBEARER")
        {}
        kit
    }

    /// A connection with TLS, and a certificate with these addresses.
    async fn connect(&self, addresses: &[&str]) -> LineClient {
        let certificate = self.authority.certificate(addresses);
        let config = certificate.client_config(&self.certificate);
        let mut client = LineClient::connect(self.running.address).await;
        if self.mode == TlsMode::Implicit {
            let mut client = client.start_tls(config, "mail.example.test").await;
            client.line().await;
            return client;
        }
        client.line().await;
        assert!(client.say("s STARTTLS").await.starts_with("s OK "));
        client.start_tls(config, "mail.example.test").await
    }
}

fn secret(mechanism: &str) -> &'static str {
    match mechanism {
        // The test's directory accepts a local part as a token.
        "OAUTHBEARER" | "XOAUTH2" => "bob",
        _ => "secret",
    }
}

async fn capability(client: &mut LineClient) -> String {
    client.send("c CAPABILITY").await;
    client.lines_to("c OK ").await.join("\n")
}

#[tokio::test]
async fn every_mechanism_logs_in_within_tls() {
    for mode in [TlsMode::Starttls, TlsMode::Implicit] {
        let kit = Kit::start(mode).await;
        for (mechanism, _, can_be_wrong) in SaslClient::MECHANISMS {
            for along in [true, false] {
                let mut client = kit.connect(&[BOB]).await;
                let offered = capability(&mut client).await;
                assert!(offered.contains(&format!(" AUTH={mechanism}")), "{offered}");
                let exporter = client.exporter().to_vec();
                let sasl = |secret| SaslClient::new(mechanism, BOB, secret).bound_to(&exporter);
                if can_be_wrong {
                    let wrong = sasl("wrong");
                    let end = client.authenticate("a AUTHENTICATE", mechanism, wrong, along);
                    let end = end.await;
                    assert!(end.starts_with("a NO [AUTHENTICATIONFAILED] "), "{end}");
                }
                let right = sasl(secret(mechanism));
                let end = client.authenticate("b AUTHENTICATE", mechanism, right, along);
                let end = end.await;
                assert!(end.starts_with("b OK [CAPABILITY "), "{mechanism}: {end}");
                client.send("d SELECT INBOX").await;
                client.lines_to("d OK ").await;
            }
        }
    }
}

#[tokio::test]
async fn without_tls_those_log_in_that_do_not_need_it() {
    let running = Running::start().await;
    for (mechanism, needs_tls, _) in SaslClient::MECHANISMS {
        let mut client = LineClient::connect(running.address).await;
        client.line().await;
        let offered = capability(&mut client).await;
        let is_offered = offered.contains(&format!(" AUTH={mechanism}"));
        assert_eq!(!is_offered, needs_tls, "{mechanism}: {offered}");
        let sasl = SaslClient::new(mechanism, BOB, secret(mechanism));
        let end = client.authenticate("a AUTHENTICATE", mechanism, sasl, true);
        let end = end.await;
        let expected = if needs_tls { "a NO " } else { "a OK " };
        assert!(end.starts_with(expected), "{mechanism}: {end}");
    }
}

#[tokio::test]
async fn no_mechanism_is_offered_where_passwords_need_tls() {
    let kit = Kit::start(TlsMode::Starttls).await;
    for (mechanism, ..) in SaslClient::MECHANISMS {
        let mut client = LineClient::connect(kit.running.address).await;
        let greeting = client.line().await;
        assert!(!greeting.contains("AUTH="), "{greeting}");
        assert!(greeting.contains(" LOGINDISABLED"), "{greeting}");
        let end = client.say(&format!("a AUTHENTICATE {mechanism} =")).await;
        assert!(end.starts_with("a NO [PRIVACYREQUIRED] "), "{end}");
    }
}

#[tokio::test]
async fn a_login_that_is_broken_off_ends_and_another_may_begin() {
    let kit = Kit::start(TlsMode::Implicit).await;
    for (mechanism, ..) in SaslClient::MECHANISMS {
        let mut client = kit.connect(&[BOB]).await;
        let command = format!("a AUTHENTICATE {mechanism}");
        // Cancelled; not base64; not UTF-8.
        for response in ["*", "!!!", "/w=="] {
            let challenge = client.say(&command).await;
            assert!(challenge.starts_with("+ "), "{mechanism}: {challenge}");
            let end = client.say(response).await;
            assert!(end.starts_with("a BAD "), "{mechanism}: {end}");
        }
        let end = client.say(&format!("{command} !!!")).await;
        assert!(end.starts_with("a BAD "), "{mechanism}: {end}");
        let end = client
            .say(&format!("{command} {}", "A".repeat(13_000)))
            .await;
        assert!(end.starts_with("a BAD "), "{mechanism}: {end}");
        let plain = SaslClient::new("PLAIN", BOB, "secret");
        let end = client.authenticate("b AUTHENTICATE", "PLAIN", plain, false);
        let end = end.await;
        assert!(end.starts_with("b OK "), "{mechanism}: {end}");
    }
    // The end of such a line cannot be known.
    let mut client = kit.connect(&[BOB]).await;
    client.say("a AUTHENTICATE PLAIN").await;
    let end = client.say(&"A".repeat(20_000)).await;
    assert!(end.starts_with("* BYE "), "{end}");
}

#[tokio::test]
async fn a_certificate_logs_in_whom_it_names_and_nobody_else() {
    let kit = Kit::start(TlsMode::Implicit).await;
    let mut client = kit.connect(&["carol@example.test"]).await;
    let end = client.say("a AUTHENTICATE EXTERNAL =").await;
    assert!(end.starts_with("a NO [AUTHENTICATIONFAILED] "), "{end}");
    let mut client = kit.connect(&["alice@example.test", BOB]).await;
    // As a user whom the certificate does not name; as the second one.
    let end = client
        .say("a AUTHENTICATE EXTERNAL Y2Fyb2xAZXhhbXBsZS50ZXN0")
        .await;
    assert!(end.starts_with("a NO [AUTHENTICATIONFAILED] "), "{end}");
    let end = client
        .say("b AUTHENTICATE EXTERNAL Ym9iQGV4YW1wbGUudGVzdA==")
        .await;
    assert!(end.starts_with("b OK "), "{end}");
    let mut client = kit.connect(&[]).await;
    assert!(!capability(&mut client).await.contains("EXTERNAL"));
    let end = client.say("a AUTHENTICATE EXTERNAL =").await;
    assert_eq!(end, "a NO Authentication mechanism not supported.");
}
