//! EXTERNAL: clients that show certificates, over implicit TLS and over STARTTLS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rules::ListenerRole;
use service_kit::ClientCertificates;
use smtp_server::TlsMode;
use test_kit::{ClientAuthority, ClientCertificate};

use crate::client::Client;
use crate::system::{POLICY, System, listener_on_any_port};

/// A system with one more listener, and who vouches for its clients.
struct Certified {
    system: System,
    authority: ClientAuthority,
    tls: TlsMode,
    _folder: tempfile::TempDir,
}

impl Certified {
    async fn start(tls: TlsMode, required: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = ClientAuthority::new("ours");
        let clients = ClientCertificates {
            authority: authority.write_to(folder.path()),
            required,
        };
        let system = System::start_with(POLICY, |config| {
            let mut listener = listener_on_any_port();
            listener.role = ListenerRole::Submission;
            listener.tls = tls;
            listener.client_certificates = Some(clients);
            config.listener.push(listener);
        })
        .await;
        Self {
            system,
            authority,
            tls,
            _folder: folder,
        }
    }

    /// Connected and through with its part of the handshake.
    async fn connect(&self, shown: Option<&ClientCertificate>) -> Client {
        let server = &self.system.certificate;
        let config = match shown {
            Some(certificate) => certificate.client_config(server),
            None => server.client_config(),
        };
        let mut client = Client::connect(self.system.added_address()).await;
        if self.tls == TlsMode::Starttls {
            client.expect(220).await;
            client.say("EHLO client.test", 250).await;
            client.say("STARTTLS", 220).await;
        }
        client.start_tls_with(config).await
    }

    /// Greeted; gives what is announced.
    async fn greeted(&self, shown: Option<&ClientCertificate>) -> (Client, String) {
        let mut client = self.connect(shown).await;
        if self.tls == TlsMode::Implicit {
            client.expect(220).await;
        }
        let hello = client.say("EHLO client.test", 250).await;
        (client, hello)
    }
}

fn external(name: &str) -> String {
    format!("AUTH EXTERNAL {}", STANDARD.encode(name))
}

const BOB: &str = "bob@example.test";

#[tokio::test]
async fn a_certificate_logs_in_the_user_it_names_over_either_kind_of_tls() {
    for tls in [TlsMode::Implicit, TlsMode::Starttls] {
        let certified = Certified::start(tls, false).await;
        let certificate = certified.authority.certificate(&["Bob@Example.test"]);
        let (mut client, hello) = certified.greeted(Some(&certificate)).await;
        assert!(hello.contains("250-AUTH EXTERNAL SCRAM-"), "{hello}");
        client.say(&external("eve@example.test"), 535).await;
        client.say("MAIL FROM:<bob@example.test>", 530).await;
        client.say("AUTH EXTERNAL =", 235).await;
        client.envelope(BOB, "x@elsewhere.test").await;
        client.data("", 250).await;
        let origin = certified.system.queue.only().origin.unwrap();
        assert_eq!(
            (origin.login.as_str(), origin.trust.as_str()),
            (BOB, "authenticated")
        );
    }
}

#[tokio::test]
async fn without_a_certificate_one_logs_in_as_before() {
    let certified = Certified::start(TlsMode::Implicit, false).await;
    let (mut client, hello) = certified.greeted(None).await;
    assert!(!hello.contains("EXTERNAL"), "{hello}");
    client.say("AUTH EXTERNAL =", 504).await;
    // \0bob@example.test\0secret
    client
        .say("AUTH PLAIN AGJvYkBleGFtcGxlLnRlc3QAc2VjcmV0", 235)
        .await;
}

#[tokio::test]
async fn of_several_names_the_one_that_is_asked_for_counts_or_the_first_user() {
    let certified = Certified::start(TlsMode::Implicit, false).await;
    let names = ["gone@example.test", BOB, "eve@example.test"];
    let certificate = certified.authority.certificate(&names);
    for (said, code) in [
        ("AUTH EXTERNAL =".to_owned(), 235),
        (external("EVE@example.test"), 235),
        (external("gone@example.test"), 535),
        (external("carol@example.test"), 535),
        (external("not an address"), 535),
    ] {
        let (mut client, _) = certified.greeted(Some(&certificate)).await;
        client.say(&said, code).await;
    }
}

#[tokio::test]
async fn a_certificate_that_names_nobody_is_of_no_use() {
    let certified = Certified::start(TlsMode::Implicit, false).await;
    let (mut client, hello) = certified
        .greeted(Some(&certified.authority.certificate(&[])))
        .await;
    assert!(!hello.contains("EXTERNAL"), "{hello}");
    client.say("AUTH EXTERNAL =", 504).await;
    // Nor is one that names a user who has been removed.
    let certificate = certified.authority.certificate(&[BOB]);
    certified.system.directory.watched().await;
    certified.system.directory.remove(BOB);
    let (mut client, hello) = certified.greeted(Some(&certificate)).await;
    assert!(hello.contains("EXTERNAL"), "{hello}");
    client.say("AUTH EXTERNAL =", 535).await;
    let refusals = certified.system.refusals.told(1).await;
    let reason = &refusals[0].reasons[0];
    assert_eq!(
        reason,
        "the certificate names no user here, but bob@example.test"
    );
}

#[tokio::test]
async fn a_directory_that_is_away_is_no_refusal() {
    let certified = Certified::start(TlsMode::Implicit, false).await;
    let certificate = certified.authority.certificate(&[BOB]);
    let (mut client, _) = certified.greeted(Some(&certificate)).await;
    let away = &certified.system.directory.away;
    away.store(true, std::sync::atomic::Ordering::SeqCst);
    client.say("AUTH EXTERNAL =", 454).await;
}

/// Shows the certificate that is made with the listener's authority at hand, and checks what the
/// client is told and what we remember.
async fn refused(
    tls: TlsMode,
    make: impl FnOnce(&ClientAuthority) -> ClientCertificate,
    alert: &str,
    reason: &str,
) {
    let certified = Certified::start(tls, false).await;
    let certificate = make(&certified.authority);
    let failure = certified.connect(Some(&certificate)).await.failure().await;
    assert!(failure.contains(alert), "{failure}");
    let refusals = certified.system.refusals.told(1).await;
    assert_eq!(refusals[0].verdict, "tls-handshake");
    assert!(refusals[0].reasons[0].contains(reason), "{refusals:?}");
}

#[tokio::test]
async fn a_bad_certificate_ends_the_connection_with_an_alert_and_a_reason_in_the_log() {
    for tls in [TlsMode::Implicit, TlsMode::Starttls] {
        let foreign = |_: &ClientAuthority| ClientAuthority::new("another").certificate(&[BOB]);
        refused(tls, foreign, "UnknownCA", "UnknownIssuer").await;
        // One that calls itself like ours.
        let forged = |_: &ClientAuthority| ClientAuthority::new("ours").certificate(&[BOB]);
        refused(tls, forged, "", "BadSignature").await;
        let expired = |ours: &ClientAuthority| ours.expired(&[BOB]);
        refused(tls, expired, "CertificateExpired", "expired").await;
    }
}

#[tokio::test]
async fn where_one_is_required_nobody_comes_in_without() {
    let certified = Certified::start(TlsMode::Implicit, true).await;
    let failure = certified.connect(None).await.failure().await;
    assert!(failure.contains("CertificateRequired"), "{failure}");
    let certificate = certified.authority.certificate(&[BOB]);
    let (mut client, _) = certified.greeted(Some(&certificate)).await;
    client.say(&external(BOB), 235).await;
}
