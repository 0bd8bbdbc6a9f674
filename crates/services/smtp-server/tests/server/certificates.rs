//! EXTERNAL: client certificates, over implicit TLS and over STARTTLS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rules::ListenerRole;
use service_kit::ClientCertificates;
use smtp_server::TlsMode;
use test_kit::{ClientAuthority, ClientCertificate};

use crate::client::Client;
use crate::system::{POLICY, System, listener_on_any_port};

/// A system with an additional listener, and the authority of its clients.
pub(crate) struct Certified {
    pub(crate) system: System,
    pub(crate) authority: ClientAuthority,
    tls: TlsMode,
    _folder: tempfile::TempDir,
}

impl Certified {
    pub(crate) async fn start(tls: TlsMode, required: bool) -> Self {
        Self::start_behind(&[], tls, required).await
    }

    /// With a listener whose named proxies send XCLIENT.
    async fn start_behind(proxies: &[&str], tls: TlsMode, required: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = ClientAuthority::new("ours");
        let clients = ClientCertificates {
            authority: authority.write_to(folder.path()),
            required,
        };
        let system = System::start_offering_with(POLICY, |config| {
            let mut listener = listener_on_any_port();
            listener.role = ListenerRole::Submission;
            listener.tls = tls;
            listener.client_certificates = Some(clients);
            listener.proxies = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
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

    /// Connects and completes the client's part of the handshake.
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

    /// Connects and reads the greeting; returns the announced extensions.
    async fn greeted(&self, shown: Option<&ClientCertificate>) -> (Client, String) {
        let mut client = self.connect(shown).await;
        if self.tls == TlsMode::Implicit {
            client.expect(220).await;
        }
        let hello = client.say("EHLO client.test", 250).await;
        (client, hello)
    }
}

/// The addresses of the tests' clients.
const PROXY: &[&str] = &["127.0.0.0/8"];

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
    // Nor does one that names a removed user.
    let certificate = certified.authority.certificate(&[BOB]);
    certified.system.directory.watched().await;
    certified.system.directory.remove(BOB);
    let (mut client, hello) = certified.greeted(Some(&certificate)).await;
    assert!(hello.contains("EXTERNAL"), "{hello}");
    client.say("AUTH EXTERNAL =", 535).await;
    let refusals = certified.system.refusals.told(2).await;
    let told: Vec<_> = refusals.iter().map(|one| one.verdict.as_str()).collect();
    assert!(told.contains(&"mechanism-not-offered"), "{told:?}");
    let reasons: Vec<_> = refusals.iter().map(|one| one.reasons[0].as_str()).collect();
    assert!(reasons.contains(&"secret cause"), "{reasons:?}");
}

#[tokio::test]
async fn a_directory_that_is_away_is_no_refusal() {
    let certified = Certified::start(TlsMode::Implicit, false).await;
    let certificate = certified.authority.certificate(&[BOB]);
    let (mut client, _) = certified.greeted(Some(&certificate)).await;
    certified.system.set_away(true);
    client.say("AUTH EXTERNAL =", 454).await;
}

/// Shows a certificate made with the listener's authority; checks the error at the client and the record
/// here.
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
        refused(tls, foreign, "UnknownCA", "signed by no authority").await;
        // A forged authority with the name of ours.
        let forged = |_: &ClientAuthority| ClientAuthority::new("ours").certificate(&[BOB]);
        refused(tls, forged, "", "its signature is wrong").await;
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

/// RFC 4422 appendix A: the certificate identifies its presenter, which was the proxy.
#[tokio::test]
async fn the_certificate_of_a_proxy_logs_nobody_in_before_it_tells_of_a_client_or_after() {
    for tls in [TlsMode::Implicit, TlsMode::Starttls] {
        let certified = Certified::start_behind(PROXY, tls, true).await;
        let certificate = certified.authority.certificate(&[BOB]);
        let (mut proxy, hello) = certified.greeted(Some(&certificate)).await;
        assert!(!hello.contains("EXTERNAL"), "{hello}");
        proxy.say("AUTH EXTERNAL =", 504).await;
        proxy.say("XCLIENT ADDR=203.0.113.200", 220).await;
        let hello = proxy.say("EHLO client.test", 250).await;
        assert!(hello.contains("AUTH SCRAM-SHA-256 "), "{hello}");
        assert!(!hello.contains("EXTERNAL"), "{hello}");
        proxy.say("AUTH EXTERNAL =", 504).await;
        proxy.say(&external(BOB), 504).await;
        proxy.say("MAIL FROM:<bob@example.test>", 530).await;
    }
}

#[tokio::test]
async fn the_login_that_a_proxy_tells_counts_whatever_its_certificate_names() {
    let certified = Certified::start_behind(PROXY, TlsMode::Implicit, true).await;
    let certificate = certified.authority.certificate(&[BOB]);
    let (mut proxy, _) = certified.greeted(Some(&certificate)).await;
    let told = "XCLIENT ADDR=203.0.113.200 LOGIN=eve+40example.test";
    proxy.say(told, 220).await;
    proxy.say("EHLO client.test", 250).await;
    proxy.say("AUTH EXTERNAL =", 503).await;
    proxy.envelope("eve@example.test", "x@elsewhere.test").await;
    proxy.data("", 250).await;
    let origin = certified.system.queue.only().origin.unwrap();
    assert_eq!(origin.login, "eve@example.test");
}

#[tokio::test]
async fn certificates_are_nothing_that_xclient_can_tell_of() {
    let certified = Certified::start_behind(PROXY, TlsMode::Implicit, false).await;
    let (mut proxy, _) = certified.greeted(None).await;
    for attribute in [
        "CERT",
        "CCERT_SUBJECT",
        "CCERT_FINGERPRINT",
        "TLSCLIENTCERT",
    ] {
        let told = format!("XCLIENT ADDR=203.0.113.200 {attribute}=bob+40example.test");
        proxy.say(&told, 501).await;
    }
    proxy.say("XCLIENT ADDR=203.0.113.200", 220).await;
    let hello = proxy.say("EHLO client.test", 250).await;
    assert!(!hello.contains("EXTERNAL"), "{hello}");
    proxy.say(&external(BOB), 504).await;
}

/// A TLS handshake after XCLIENT may be the proxy's or its client's.
#[tokio::test]
async fn tls_that_begins_behind_xclient_shows_no_certificate_and_binds_nothing() {
    let certified = Certified::start_behind(PROXY, TlsMode::Starttls, false).await;
    let certificate = certified.authority.certificate(&[BOB]);
    let mut proxy = Client::connect(certified.system.added_address()).await;
    proxy.expect(220).await;
    proxy.say("EHLO proxy.test", 250).await;
    proxy.say("XCLIENT ADDR=203.0.113.200", 220).await;
    proxy.say("EHLO client.test", 250).await;
    proxy.say("STARTTLS", 220).await;
    let config = certificate.client_config(&certified.system.certificate);
    let mut client = proxy.start_tls_with(config).await;
    let hello = client.say("EHLO client.test", 250).await;
    assert!(hello.contains("AUTH SCRAM-SHA-256 "), "{hello}");
    client.say("AUTH EXTERNAL =", 504).await;
    client.say("AUTH SCRAM-SHA-256-PLUS", 504).await;
}

#[tokio::test]
async fn one_who_is_no_proxy_logs_in_by_its_certificate_where_others_say_xclient() {
    let certified = Certified::start_behind(&["192.0.2.0/24"], TlsMode::Implicit, true).await;
    let certificate = certified.authority.certificate(&[BOB]);
    let (mut client, hello) = certified.greeted(Some(&certificate)).await;
    assert!(hello.contains("AUTH EXTERNAL "), "{hello}");
    client.say("XCLIENT ADDR=203.0.113.200", 550).await;
    client.say("AUTH EXTERNAL =", 235).await;
}

/// RFC 5802 §6: a client behind a proxy that ends TLS cannot bind to the proxy's session with this server. A
/// client that supports binding (`y`) must not be told that it was attacked.
#[tokio::test]
async fn behind_a_proxy_that_tells_there_is_nothing_to_bind_to() {
    let certified = Certified::start_behind(PROXY, TlsMode::Implicit, false).await;
    let (mut proxy, hello) = certified.greeted(None).await;
    assert!(hello.contains("SCRAM-SHA-256-PLUS"), "{hello}");
    proxy.say("XCLIENT ADDR=203.0.113.200", 220).await;
    let hello = proxy.say("EHLO client.test", 250).await;
    assert!(!hello.contains("-PLUS"), "{hello}");
    proxy.say("AUTH SCRAM-SHA-256-PLUS", 504).await;
    let first = STANDARD.encode("y,,n=bob@example.test,r=abc");
    proxy.say(&format!("AUTH SCRAM-SHA-256 {first}"), 334).await;
    proxy.say("*", 501).await;
}
