//! OAUTHBEARER and XOAUTH2: the examples of RFC 7628 §4, and those who do not keep to it.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use sasl::{
    BearerToken, Bindings, Dialect, Exchange, Fault, Mechanism, Step, TokenFault, TokenRefusal,
};

fn exchange(dialect: Dialect) -> Exchange {
    Exchange::new(Mechanism::Bearer(dialect), Bindings::default())
}

fn read(dialect: Dialect, response: &str) -> Result<BearerToken, Fault> {
    match exchange(dialect).respond(response.as_bytes())? {
        Step::Token(token) => Ok(token),
        step => panic!("{step:?}"),
    }
}

const REFUSAL: TokenRefusal = TokenRefusal {
    fault: TokenFault::Invalid,
    scope: String::new(),
    configuration: String::new(),
};

#[test]
fn a_token_is_read_with_whom_its_bearer_wants_to_be() {
    let rows = [
        (
            Dialect::OAuthBearer,
            "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4q==\x01\x01",
            "user@example.com",
            "vF9dft4q==",
        ),
        (
            Dialect::OAuthBearer,
            "y,,\x01auth=bearer  a.b-c_d\x01\x01",
            "",
            "a.b-c_d",
        ),
        (
            Dialect::OAuthBearer,
            "n,a=o=2Cne,\x01auth=Bearer x\x01\x01",
            "o,ne",
            "x",
        ),
        // One that asks what is wanted.
        (Dialect::OAuthBearer, "n,,\x01auth=\x01\x01", "", ""),
        (
            Dialect::XOAuth2,
            "user=someuser@example.com\x01auth=Bearer ya29.vF9\x01\x01",
            "someuser@example.com",
            "ya29.vF9",
        ),
    ];
    for (dialect, response, authorization, token) in rows {
        let read = read(dialect, response).unwrap();
        assert_eq!(read.authorization, authorization, "{response:?}");
        assert_eq!(read.token, token, "{response:?}");
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    for response in [
        "",
        "n,,",
        "n,,\x01\x01",
        "n,,\x01auth=Bearer x",
        "n,,\x01auth=Bearer x\x01",
        "n,,auth=Bearer x\x01\x01",
        "n\x01auth=Bearer x\x01\x01",
        "p=tls-exporter,,\x01auth=Bearer x\x01\x01",
        "n,a=,\x01auth=Bearer x\x01\x01",
        "n,b,\x01auth=Bearer x\x01\x01",
        "n,a=b\0b,\x01auth=Bearer x\x01\x01",
        "n,,\x01auth=Basic x\x01\x01",
        "n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01",
        "n,,\x01auth=Bearer x y\x01\x01",
        "n,,\x01auth=Bearer x\0y\x01\x01",
        "n,,\x01auth=Bearer \u{e9}\x01\x01",
        "n,,\x01host=x\x01\x01",
        "n,,\x01h0st=x\x01auth=Bearer x\x01\x01",
        "n,,\x01host\x01auth=Bearer x\x01\x01",
        "user=bob\x01auth=Bearer x\x01\x01",
    ] {
        let found = read(Dialect::OAuthBearer, response);
        assert_eq!(found, Err(Fault::Malformed), "{response:?}");
    }
    for response in [
        "",
        "user=bob",
        "bob\x01auth=Bearer x\x01\x01",
        "user=b\0b\x01auth=Bearer x\x01\x01",
    ] {
        let found = read(Dialect::XOAuth2, response);
        assert_eq!(found, Err(Fault::Malformed), "{response:?}");
    }
}

#[test]
fn a_refusal_is_read_by_the_client_before_it_is_told() {
    let whole = TokenRefusal {
        fault: TokenFault::InsufficientScope,
        scope: "mail".to_owned(),
        configuration: "https://id.example.test/.well-known/openid-configuration".to_owned(),
    };
    let rows = [
        (
            Dialect::OAuthBearer,
            &whole,
            r#"{"openid-configuration":"https://id.example.test/.well-known/openid-configuration","scope":"mail","status":"insufficient_scope"}"#,
        ),
        (
            Dialect::OAuthBearer,
            &REFUSAL,
            r#"{"status":"invalid_token"}"#,
        ),
        (
            Dialect::XOAuth2,
            &whole,
            r#"{"schemes":"bearer","scope":"mail","status":"403"}"#,
        ),
        (
            Dialect::XOAuth2,
            &REFUSAL,
            r#"{"schemes":"bearer","status":"401"}"#,
        ),
    ];
    for (dialect, refusal, expected) in rows {
        let response = match dialect {
            Dialect::OAuthBearer => "n,,\x01auth=Bearer x\x01\x01",
            Dialect::XOAuth2 => "user=bob\x01auth=Bearer x\x01\x01",
        };
        let mut exchange = exchange(dialect);
        assert_eq!(exchange.token_refused(refusal), None);
        assert!(matches!(
            exchange.respond(response.as_bytes()),
            Ok(Step::Token(_))
        ));
        let challenge = exchange.token_refused(refusal).unwrap();
        let fields = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
        assert_eq!(fields(&challenge), fields(expected.as_bytes()));
        // Not a second token.
        assert_eq!(exchange.token_refused(refusal), None);
        assert_eq!(exchange.respond(response.as_bytes()), Err(Fault::Malformed));
    }
}

#[test]
fn a_token_is_not_shown() {
    let token = read(Dialect::XOAuth2, "user=bob\x01auth=Bearer secret\x01\x01").unwrap();
    assert_eq!(
        format!("{token:?}"),
        r#"BearerToken { authorization: "bob", .. }"#
    );
}
