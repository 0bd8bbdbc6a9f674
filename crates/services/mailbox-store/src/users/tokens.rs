//! OAuth 2 access tokens: an external issuer identifies the bearer, and this directory decides whether that
//! is one of its users. A token cannot be guessed: wrong tokens are not counted, and guesses never delay the
//! owner of a valid one.

use std::path::PathBuf;
use std::sync::Arc;

use access_token::{EMAIL, Expected, Keys, Refusal};
use serde::Deserialize;
use service_kit::Reloaded;
use tokio_util::sync::CancellationToken;

use crate::clock;

/// Issuer of access tokens, and the tokens that are accepted.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OAuthConfig {
    /// The issuer's name in its tokens.
    pub issuer: String,
    /// The audience that tokens for this system have.
    pub audience: String,
    /// File of the issuer's public keys: a JWKS, or PEM. It is read again when it changes.
    #[schemars(extend("type-name" = "file"))]
    pub keys: PathBuf,
    /// The claim with the user's address.
    #[serde(default = "email")]
    pub login_claim: String,
    /// Set if the issuer does not send `email_verified` but its users cannot choose their addresses.
    #[serde(default)]
    pub email_is_verified: bool,
    /// A scope that tokens must have.
    #[serde(default)]
    pub scope: Option<String>,
    /// URL of the issuer's OpenID configuration, for clients that ask.
    #[serde(default)]
    pub openid_configuration: Option<String>,
}

fn email() -> String {
    EMAIL.to_owned()
}

/// Verification of tokens.
#[derive(Debug)]
pub struct Tokens {
    expected: Expected,
    keys: Arc<Reloaded<Keys>>,
    openid_configuration: String,
}

impl Tokens {
    /// Reads the keys, and again whenever they change, until `shutdown`.
    pub fn start(config: OAuthConfig, shutdown: CancellationToken) -> anyhow::Result<Self> {
        for (name, value) in [("issuer", &config.issuer), ("audience", &config.audience)] {
            anyhow::ensure!(!value.is_empty(), "oauth.{name} is empty");
        }
        let without_effect = config.email_is_verified && config.login_claim != EMAIL;
        anyhow::ensure!(
            !without_effect,
            "oauth.email-is-verified concerns the claim email, but oauth.login-claim is {}: remove it",
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

    /// The required scope; empty for none.
    pub fn scope(&self) -> &str {
        self.expected.scope.as_deref().unwrap_or_default()
    }

    /// URL of the issuer's OpenID configuration; empty if unknown.
    pub fn openid_configuration(&self) -> &str {
        &self.openid_configuration
    }

    /// The user's address in the token.
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
