//! Logins by access tokens of OAuth 2: an issuer elsewhere says who somebody is, and this directory
//! whether that is one of its users. There is nothing to guess at: no wrong token is counted, and
//! nobody's guessing keeps the owner of a good one out.

use std::path::PathBuf;
use std::sync::Arc;

use access_token::{EMAIL, Expected, Keys, Refusal};
use serde::Deserialize;
use service_kit::Reloaded;
use tokio_util::sync::CancellationToken;

use crate::clock;

/// `[mailbox-store.oauth]`: whose tokens are taken, and which.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OAuthConfig {
    /// The issuer, as its tokens name it.
    pub issuer: String,
    /// The name by which tokens are made for this system.
    pub audience: String,
    /// The issuer's public keys: a JWKS, or PEM; read again when the file changes.
    #[schemars(extend("type-name" = "file"))]
    pub keys: PathBuf,
    /// The claim that holds the user's address.
    #[serde(default = "email")]
    pub login_claim: String,
    /// The issuer does not say `email_verified`, and its users cannot choose their addresses.
    #[serde(default)]
    pub email_is_verified: bool,
    /// A scope that tokens must have.
    #[serde(default)]
    pub scope: Option<String>,
    /// Where the issuer's OpenID configuration is, for clients that ask.
    #[serde(default)]
    pub openid_configuration: Option<String>,
}

fn email() -> String {
    EMAIL.to_owned()
}

/// What tokens are checked by.
#[derive(Debug)]
pub struct Tokens {
    expected: Expected,
    keys: Arc<Reloaded<Keys>>,
    openid_configuration: String,
}

impl Tokens {
    /// Reads the keys, and reads them again when they change, until `shutdown`.
    pub fn start(config: OAuthConfig, shutdown: CancellationToken) -> anyhow::Result<Self> {
        for (name, value) in [("issuer", &config.issuer), ("audience", &config.audience)] {
            anyhow::ensure!(!value.is_empty(), "oauth.{name} is empty");
        }
        let without_effect = config.email_is_verified && config.login_claim != EMAIL;
        anyhow::ensure!(
            !without_effect,
            "oauth.email-is-verified is about the claim email, and oauth.login-claim is {}: take it away",
            config.login_claim
        );
        let path = config.keys.clone();
        let files = vec![path.clone()];
        let read = move || read_keys(&path);
        Ok(Self {
            keys: Reloaded::start("issuer's keys", files, read, shutdown)?,
            expected: Expected {
                issuer: config.issuer,
                audience: config.audience,
                login_claim: config.login_claim,
                email_is_verified: config.email_is_verified,
                scope: config.scope,
            },
            openid_configuration: config.openid_configuration.unwrap_or_default(),
        })
    }

    /// The scope that tokens must have; empty where none is asked for.
    pub fn scope(&self) -> &str {
        self.expected.scope.as_deref().unwrap_or_default()
    }

    /// Where the issuer says more of itself; empty where that is not known.
    pub fn openid_configuration(&self) -> &str {
        &self.openid_configuration
    }

    /// Whom the token names.
    pub(super) fn login(&self, token: &str) -> std::result::Result<String, Refusal> {
        let now = clock::now() / 1000;
        self.expected.check(token, &self.keys.current(), now)
    }
}

fn read_keys(path: &PathBuf) -> std::result::Result<Keys, service_kit::Error> {
    let failed = |error: &dyn std::fmt::Display| {
        service_kit::Error::Config(format!("oauth.keys: {}: {error}", path.display()))
    };
    let text = std::fs::read(path).map_err(|error| failed(&error))?;
    Keys::read(&text).map_err(|error| failed(&error))
}
