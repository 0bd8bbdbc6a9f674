//! Logins by access tokens.

use std::path::Path;

use serde_json::{Value, json};
use test_kit::TestIssuer;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock;
use crate::users::login::attempt::Token;

pub(super) fn config(folder: &Path, issuer: &TestIssuer) -> OAuthConfig {
    let keys = folder.join("jwks.json");
    std::fs::write(&keys, issuer.jwks()).unwrap();
    OAuthConfig {
        issuer: "https://id.test".to_owned(),
        audience: "mail".to_owned(),
        keys,
        login_claim: "email".to_owned(),
        email_is_verified: false,
        scope: Some("mail".to_owned()),
        openid_configuration: None,
    }
}

fn claims(email: &str) -> Value {
    let exp = clock::now() / 1000 + 300;
    json!({"iss": "https://id.test", "aud": "mail", "exp": exp, "scope": "mail",
           "email": email, "email_verified": true})
}

/// The user, or the reason of the refusal.
async fn shown(logins: &Logins, token: String, authorization: &str) -> String {
    let token = Token {
        token,
        authorization: authorization.to_owned(),
    };
    match logins.verify_token(&token).await.unwrap() {
        Answer::Accepted(accepted) => accepted.address,
        Answer::Unfit(unfit) if unfit.insufficient_scope => format!("scope: {}", unfit.reason),
        Answer::Unfit(unfit) => unfit.reason,
        answer => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn a_token_logs_in_the_user_it_names_and_nobody_else() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    kit.user("eve@example.test").await;
    let (issuer, folder) = (TestIssuer::new(), tempfile::tempdir().unwrap());
    let tokens = Tokens::start(config(folder.path(), &issuer), CancellationToken::new()).unwrap();
    let logins = Logins::new(kit.store.clone(), passwords(), Some(tokens));
    let bob = || issuer.token(&claims("Bob@Example.test"));
    for authorization in ["", "bob@example.test", "BOB@example.test"] {
        let found = shown(&logins, bob(), authorization).await;
        assert_eq!(found, "bob@example.test");
    }
    let mut elsewhere = claims("bob@example.test");
    elsewhere["scope"] = json!("calendar");
    let rows = [
        (
            bob(),
            "eve@example.test",
            "the token of bob@example.test is shown to log in as eve@example.test",
        ),
        (
            issuer.token(&claims("carol@example.test")),
            "",
            "the token names carol@example.test, who is no user here",
        ),
        (
            issuer.token(&claims("carol")),
            "",
            "the token names carol, who is no user here",
        ),
        (
            issuer.token(&elsewhere),
            "",
            "scope: the token lacks the required scope",
        ),
        (
            TestIssuer::new().token(&claims("bob@example.test")),
            "",
            "the token's signature is invalid",
        ),
        (
            String::new(),
            "",
            "no token: the client asks which ones are accepted",
        ),
    ];
    for (token, authorization, reason) in rows {
        assert_eq!(shown(&logins, token, authorization).await, reason);
    }
    // A removed user is refused, whatever the issuer says.
    remove(&kit.store, &address("bob@example.test"))
        .await
        .unwrap();
    let reason = "the token names Bob@Example.test, who is no user here";
    assert_eq!(shown(&logins, bob(), "").await, reason);
}

#[tokio::test]
async fn wrong_tokens_are_no_guesses_and_guesses_keep_no_token_out() {
    let kit = TestStore::start().await;
    kit.user("bob@example.test").await;
    let (issuer, folder) = (TestIssuer::new(), tempfile::tempdir().unwrap());
    let tokens = Tokens::start(config(folder.path(), &issuer), CancellationToken::new()).unwrap();
    let logins = Logins::new(kit.store.clone(), passwords(), Some(tokens));
    let bob = "bob@example.test";
    for _ in 0..40 {
        shown(&logins, "wrong".to_owned(), bob).await;
    }
    assert_eq!(answer(&logins, bob, "secret", "").await, bob);
    for _ in 0..8 {
        assert_eq!(answer(&logins, bob, "guess", "192.0.2.1").await, "refused");
    }
    assert_eq!(answer(&logins, bob, "secret", "192.0.2.1").await, "later");
    assert_eq!(shown(&logins, issuer.token(&claims(bob)), "").await, bob);
}

#[tokio::test]
async fn without_an_issuer_no_token_is_taken() {
    let kit = TestStore::start().await;
    let logins = Logins::new(kit.store.clone(), passwords(), None);
    let token = Token {
        token: "x".to_owned(),
        authorization: String::new(),
    };
    let refused = logins.verify_token(&token).await;
    assert!(matches!(refused, Err(Error::Precondition(_))));
    assert!(logins.tokens().is_none());
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), &TestIssuer::new());
    std::fs::write(&config.keys, r#"{"keys": []}"#).unwrap();
    let error = Tokens::start(config.clone(), CancellationToken::new()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("jwks.json: holds no RSA, P-256"), "{text}");
    config.audience.clear();
    let error = Tokens::start(config.clone(), CancellationToken::new()).unwrap_err();
    assert_eq!(error.to_string(), "oauth.audience is empty");
    // An option without effect is refused, so that nobody relies on it.
    config.audience = "mail".to_owned();
    config.login_claim = "upn".to_owned();
    config.email_is_verified = true;
    let error = Tokens::start(config, CancellationToken::new()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("oauth.email-is-verified concerns"),
        "{text}"
    );
}

#[tokio::test]
async fn an_address_that_nobody_verified_logs_nobody_in_unless_the_issuer_is_known_to_verify() {
    let kit = TestStore::start().await;
    let bob = "bob@example.test";
    kit.user(bob).await;
    let (issuer, folder) = (TestIssuer::new(), tempfile::tempdir().unwrap());
    let mut unsaid = claims(bob);
    unsaid.as_object_mut().unwrap().remove("email_verified");
    for (known, answer) in [(false, "email_verified"), (true, bob)] {
        let config = OAuthConfig {
            email_is_verified: known,
            ..config(folder.path(), &issuer)
        };
        let tokens = Tokens::start(config, CancellationToken::new()).unwrap();
        let logins = Logins::new(kit.store.clone(), passwords(), Some(tokens));
        let shown = shown(&logins, issuer.token(&unsaid), "").await;
        assert!(shown.contains(answer), "{shown}");
    }
}
