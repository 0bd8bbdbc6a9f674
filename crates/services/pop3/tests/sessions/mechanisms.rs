//! Each mechanism, with and without TLS, with the initial response in AUTH or after it (RFC 5034).

use pop3::TlsMode;
use service_kit::ClientCertificates;
use test_kit::{ClientAuthority, LineClient, SaslClient};

use crate::fake_store::FakeStore;
use crate::{FrontEnd, MESSAGE};

const BOB: &str = "bob@example.test";

/// Listeners that request client certificates, and the authority of those.
struct Kit {
    front_end: FrontEnd,
    authority: ClientAuthority,
    _store: FakeStore,
    _folder: tempfile::TempDir,
}

impl Kit {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = FakeStore::start(&[(3, MESSAGE)]);
        let authority = ClientAuthority::new("ours");
        let clients = ClientCertificates {
            authority: authority.write_to(folder.path()),
            required: false,
        };
        let front_end = FrontEnd::start(&store, |config| {
            for listener in &mut config.listener {
                let has_tls = listener.tls != TlsMode::None;
                listener.client_certificates = has_tls.then(|| clients.clone());
            }
        });
        let kit = Self {
            front_end,
            authority,
            _store: store,
            _folder: folder,
        };
        // Until the front end knows the directory's mechanisms.
        while !capabilities(&mut kit.connect(true, &[]).await)
            .await
            .contains("OAUTHBEARER")
        {}
        kit
    }

    /// A connection with TLS, and a certificate with these addresses.
    async fn connect(&self, implicit: bool, addresses: &[&str]) -> LineClient {
        let certificate = self.authority.certificate(addresses);
        let config = certificate.client_config(&self.front_end.certificate);
        if implicit {
            let client = LineClient::connect(self.front_end.implicit).await;
            let mut client = client.start_tls(config, "localhost").await;
            client.line().await;
            return client;
        }
        let mut client = LineClient::connect(self.front_end.stls).await;
        client.line().await;
        assert!(client.say("STLS").await.starts_with("+OK"));
        client.start_tls(config, "localhost").await
    }
}

fn secret(mechanism: &str) -> &'static str {
    match mechanism {
        // The test's directory accepts a local part as a token.
        "OAUTHBEARER" | "XOAUTH2" => "bob",
        _ => "pass word",
    }
}

/// The SASL line of CAPA.
async fn capabilities(client: &mut LineClient) -> String {
    client.send("CAPA").await;
    let lines = client.lines_to(".").await;
    let found = lines.into_iter().find(|line| line.starts_with("SASL"));
    found.unwrap_or_default()
}

#[tokio::test]
async fn every_mechanism_logs_in_within_tls() {
    let kit = Kit::start().await;
    for implicit in [true, false] {
        for (mechanism, _, can_be_wrong) in SaslClient::MECHANISMS {
            for along in [true, false] {
                let mut client = kit.connect(implicit, &[BOB]).await;
                let offered = capabilities(&mut client).await;
                assert!(offered.contains(&format!(" {mechanism}")), "{offered}");
                let exporter = client.exporter().to_vec();
                let sasl = |secret| SaslClient::new(mechanism, BOB, secret).bound_to(&exporter);
                if can_be_wrong {
                    let wrong = sasl("wrong");
                    let end = client.authenticate("AUTH", mechanism, wrong, along).await;
                    assert!(end.starts_with("-ERR [AUTH] "), "{mechanism}: {end}");
                }
                let right = sasl(secret(mechanism));
                let end = client.authenticate("AUTH", mechanism, right, along).await;
                assert!(end.starts_with("+OK 1 "), "{mechanism}: {end}");
                assert!(client.say("QUIT").await.starts_with("+OK"));
                // The maildrop is free once the connection has ended.
                assert_eq!(client.line().await, "");
            }
        }
    }
}

#[tokio::test]
async fn without_tls_those_log_in_that_do_not_need_it() {
    let kit = Kit::start().await;
    for (mechanism, needs_tls, _) in SaslClient::MECHANISMS {
        let mut client = LineClient::connect(kit.front_end.plain).await;
        client.line().await;
        let offered = capabilities(&mut client).await;
        let is_offered = offered.contains(&format!(" {mechanism}"));
        assert_eq!(!is_offered, needs_tls, "{mechanism}: {offered}");
        let sasl = SaslClient::new(mechanism, BOB, secret(mechanism));
        let end = client.authenticate("AUTH", mechanism, sasl, true).await;
        let expected = if needs_tls { "-ERR " } else { "+OK 1 " };
        assert!(end.starts_with(expected), "{mechanism}: {end}");
        client.say("QUIT").await;
        client.line().await;
    }
}

#[tokio::test]
async fn no_mechanism_is_offered_where_passwords_need_tls() {
    let kit = Kit::start().await;
    for (mechanism, ..) in SaslClient::MECHANISMS {
        let mut client = LineClient::connect(kit.front_end.stls).await;
        client.line().await;
        assert_eq!(capabilities(&mut client).await, "");
        let end = client.say(&format!("AUTH {mechanism} =")).await;
        assert!(end.starts_with("-ERR [AUTH] "), "{end}");
        client.send("AUTH").await;
        assert_eq!(client.lines_to(".").await, ["+OK", "."]);
    }
}

#[tokio::test]
async fn a_login_that_is_broken_off_ends_and_another_may_begin() {
    let kit = Kit::start().await;
    for (mechanism, ..) in SaslClient::MECHANISMS {
        let mut client = kit.connect(true, &[BOB]).await;
        let command = format!("AUTH {mechanism}");
        // Cancelled; not base64; not UTF-8; too long.
        for response in ["*", "!!!", "/w==", &"A".repeat(13_000)] {
            let challenge = client.say(&command).await;
            assert!(challenge.starts_with("+ "), "{mechanism}: {challenge}");
            let end = client.say(response).await;
            assert!(end.starts_with("-ERR "), "{mechanism}: {end}");
        }
        let end = client.say(&format!("{command} !!!")).await;
        assert!(end.starts_with("-ERR "), "{mechanism}: {end}");
        let plain = SaslClient::new("PLAIN", BOB, "pass word");
        let end = client.authenticate("AUTH", "PLAIN", plain, false).await;
        assert!(end.starts_with("+OK 1 "), "{mechanism}: {end}");
        client.say("QUIT").await;
        client.line().await;
    }
}

#[tokio::test]
async fn a_certificate_logs_in_whom_it_names_and_nobody_else() {
    let kit = Kit::start().await;
    let mut client = kit.connect(true, &["carol@example.test", BOB]).await;
    // As a user whom the certificate does not name.
    let end = client.say("AUTH EXTERNAL ZXZlQGV4YW1wbGUudGVzdA==").await;
    assert!(end.starts_with("-ERR [AUTH] "), "{end}");
    let end = client.say("AUTH EXTERNAL Ym9iQGV4YW1wbGUudGVzdA==").await;
    assert!(end.starts_with("+OK 1 "), "{end}");
    let mut client = kit.connect(true, &[]).await;
    assert!(!capabilities(&mut client).await.contains("EXTERNAL"));
    let end = client.say("AUTH EXTERNAL =").await;
    assert!(end.starts_with("-ERR "), "{end}");
}
