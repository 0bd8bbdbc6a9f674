//! Whole exchanges, by every mechanism.

use std::sync::Arc;

use api::directory::v1::{LoginAccepted, LoginRefusal, LoginRefused};
use sasl::Bindings;
use serde_json::json;
use test_kit::{SaslClient, TestIssuer};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock;

const BOB: &str = "bob@example.test";
const EXPORTED: &[u8] = b"exported";

/// Every mechanism.
const ALL: [&str; 9] = [
    "EXTERNAL",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "OAUTHBEARER",
    "XOAUTH2",
    "PLAIN",
    "LOGIN",
];

struct Kit {
    store: TestStore,
    logins: Arc<Logins>,
    issuer: TestIssuer,
    _folder: tempfile::TempDir,
}

impl Kit {
    async fn start() -> Self {
        let store = TestStore::start().await;
        store.user(BOB).await;
        let (issuer, folder) = (TestIssuer::new(), tempfile::tempdir().unwrap());
        let config = tokens::config(folder.path(), &issuer);
        let tokens = Tokens::start(config, CancellationToken::new()).unwrap();
        let logins = Logins::new(store.store.clone(), passwords(), Some(tokens));
        Self {
            store,
            logins: Arc::new(logins),
            issuer,
            _folder: folder,
        }
    }

    fn token(&self) -> String {
        let exp = clock::now() / 1000 + 300;
        self.issuer
            .token(&json!({"iss": "https://id.test", "aud": "mail", "exp": exp,
            "scope": "mail", "email": BOB, "email_verified": true}))
    }

    fn secret(&self, mechanism: &str) -> String {
        match mechanism {
            "OAUTHBEARER" | "XOAUTH2" => self.token(),
            _ => "secret".to_owned(),
        }
    }

    /// Performs a login, with an initial response if the mechanism allows one.
    async fn play(&self, connection: Connection, name: &str, mut client: SaslClient) -> Step {
        let Some(mut exchange) = Exchange::new(Arc::clone(&self.logins), connection, name) else {
            return Step::Refused(Box::new(LoginRefused {
                why: LoginRefusal::Mechanism.into(),
                ..LoginRefused::default()
            }));
        };
        let initial = (!client.waits()).then(|| client.respond(b""));
        let mut step = exchange.begin(initial.as_deref()).await.unwrap();
        while let Step::Challenge(challenge) = step {
            let response = client.respond(&challenge);
            step = exchange.respond(&response).await.unwrap();
        }
        step
    }

    async fn log_in(&self, connection: Connection, mechanism: &str, secret: &str) -> Step {
        let client = SaslClient::new(mechanism, BOB, secret).bound_to(EXPORTED);
        self.play(connection, mechanism, client).await
    }
}

/// A connection with TLS and a certificate.
fn secured() -> Connection {
    Connection {
        peer: "192.0.2.1".to_owned(),
        tls: true,
        bindings: Bindings {
            exporter: Some(EXPORTED.to_vec()),
            server_end_point: None,
        },
        certificate: vec![
            "Nobody@example.test".to_owned(),
            "Bob@Example.test".to_owned(),
        ],
    }
}

fn accepted(step: Step) -> LoginAccepted {
    match step {
        Step::Accepted(accepted) => *accepted,
        step => panic!("{step:?}"),
    }
}

fn refused(step: Step) -> LoginRefused {
    match step {
        Step::Refused(refused) => *refused,
        step => panic!("{step:?}"),
    }
}

#[tokio::test]
async fn every_mechanism_logs_in_where_its_connection_has_it() {
    let kit = Kit::start().await;
    let bare = Connection::default();
    for mechanism in ALL {
        let secret = kit.secret(mechanism);
        let user = accepted(kit.log_in(secured(), mechanism, &secret).await);
        assert_eq!(user.address, BOB, "{mechanism}");
        let step = kit.log_in(bare.clone(), mechanism, &secret).await;
        match mechanism {
            "PLAIN" | "LOGIN" | "SCRAM-SHA-1" | "SCRAM-SHA-256" => {
                assert_eq!(accepted(step).address, BOB, "{mechanism}");
            }
            _ => assert_eq!(refused(step).why(), LoginRefusal::Mechanism, "{mechanism}"),
        }
    }
    let step = kit.log_in(secured(), "CRAM-MD5", "secret").await;
    assert_eq!(refused(step).why(), LoginRefusal::Mechanism);
}

#[tokio::test]
async fn a_refusal_says_why_and_whom_it_is_about() {
    let kit = Kit::start().await;
    for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"] {
        let refused = refused(kit.log_in(secured(), mechanism, "wrong").await);
        assert_eq!(refused.why(), LoginRefusal::Wrong, "{mechanism}");
        assert_eq!((refused.login.as_str(), refused.cause.as_str()), (BOB, ""));
        assert!(refused.challenge.is_empty());
    }
    // A malformed password is a wrong one.
    let empty = refused(kit.log_in(secured(), "PLAIN", "").await);
    assert_eq!(empty.why(), LoginRefusal::Wrong);
    let bound = SaslClient::new("SCRAM-SHA-256-PLUS", BOB, "secret").bound_to(b"another session");
    let elsewhere = refused(kit.play(secured(), "SCRAM-SHA-256-PLUS", bound).await);
    assert_eq!(elsewhere.why(), LoginRefusal::Wrong);
    assert!(elsewhere.cause.contains("not to this TLS session"));
    let token = refused(kit.log_in(secured(), "OAUTHBEARER", "forged").await);
    assert_eq!(token.why(), LoginRefusal::Token);
    let told = String::from_utf8(token.challenge.to_vec()).unwrap();
    assert!(told.contains(r#""status":"invalid_token""#), "{told}");
    assert!(told.contains(r#""scope":"mail""#), "{told}");
    assert!(!token.cause.is_empty());
    let strangers = Connection {
        certificate: vec!["nobody@example.test".to_owned()],
        ..secured()
    };
    let certificate = refused(kit.log_in(strangers, "EXTERNAL", "").await);
    assert_eq!(certificate.why(), LoginRefusal::Certificate);
    let cause = "the certificate names no user of this system, only nobody@example.test";
    assert_eq!(certificate.cause, cause);
    // Enough guesses were counted to delay the next.
    for _ in 0..4 {
        kit.log_in(secured(), "SCRAM-SHA-1", "guess").await;
    }
    let elsewhere = Connection {
        peer: "203.0.113.9".to_owned(),
        ..secured()
    };
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let later = refused(kit.log_in(elsewhere.clone(), mechanism, "secret").await);
        assert_eq!(later.why(), LoginRefusal::Later, "{mechanism}");
        assert!(later.retry_after_seconds > 0);
    }
    assert_eq!(
        kit.store.count("SELECT count(*) FROM mailbox.guess").await,
        2
    );
}

#[tokio::test]
async fn nobody_acts_for_somebody_else() {
    let kit = Kit::start().await;
    let rows: [(&str, &[u8]); 4] = [
        ("PLAIN", b"eve@example.test\0bob@example.test\0secret"),
        (
            "SCRAM-SHA-256",
            b"n,a=eve@example.test,n=bob@example.test,r=x",
        ),
        ("EXTERNAL", b"eve@example.test"),
        ("EXTERNAL", b"no address"),
    ];
    for (mechanism, initial) in rows {
        let logins = Arc::clone(&kit.logins);
        let mut exchange = Exchange::new(logins, secured(), mechanism).unwrap();
        let refused = refused(exchange.begin(Some(initial)).await.unwrap());
        assert_eq!(refused.why(), LoginRefusal::ForAnother, "{mechanism}");
    }
    let itself: [(&str, &[u8]); 2] = [
        ("PLAIN", b"BOB@example.test\0bob@example.test\0secret"),
        ("EXTERNAL", b"bob@EXAMPLE.test"),
    ];
    for (mechanism, initial) in itself {
        let logins = Arc::clone(&kit.logins);
        let mut exchange = Exchange::new(logins, secured(), mechanism).unwrap();
        accepted(exchange.begin(Some(initial)).await.unwrap());
    }
}

#[tokio::test]
async fn what_does_not_follow_the_grammar_ends_the_exchange_and_is_no_guess() {
    let kit = Kit::start().await;
    for mechanism in ALL.into_iter().filter(|name| *name != "LOGIN") {
        let logins = Arc::clone(&kit.logins);
        let mut exchange = Exchange::new(logins, secured(), mechanism).unwrap();
        let begun = exchange.begin(None).await.unwrap();
        assert!(matches!(begun, Step::Challenge(challenge) if challenge.is_empty()));
        for response in [&b"a\0b\xff"[..], b"\0bob@example.test\0secret"] {
            let refused = refused(exchange.respond(response).await.unwrap());
            assert_eq!(refused.why(), LoginRefusal::Malformed, "{mechanism}");
        }
    }
    assert_eq!(
        kit.store.count("SELECT count(*) FROM mailbox.guess").await,
        0
    );
}

/// The first steps of SCRAM do not reveal who is a user.
#[tokio::test]
async fn a_login_that_does_not_exist_is_led_through_the_same_exchange() {
    let kit = Kit::start().await;
    for login in [BOB, "nobody@example.test"] {
        let client = SaslClient::new("SCRAM-SHA-256", login, "guess");
        let refused = refused(kit.play(secured(), "SCRAM-SHA-256", client).await);
        assert_eq!(refused.why(), LoginRefusal::Wrong);
        assert_eq!(refused.login, login);
    }
}

#[tokio::test]
async fn an_application_password_is_told_by_its_name() {
    let kit = Kit::start().await;
    let name = AppPasswordName::parse("phone").unwrap();
    let phone = add_app_password(
        &kit.store.store,
        &passwords(),
        By::Administrator,
        &address(BOB),
        &name,
    )
    .await
    .unwrap();
    for mechanism in ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS"] {
        let accepted = accepted(kit.log_in(secured(), mechanism, &phone).await);
        assert_eq!(accepted.app_password, "phone", "{mechanism}");
    }
}
