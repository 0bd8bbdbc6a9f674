//! Logins by access tokens of OAuth 2: an issuer elsewhere says who somebody is, and this directory
//! whether that is one of its users. There is nothing to guess at: no wrong token is counted, and
//! nobody's guessing keeps the owner of a good one out.

use std::path::PathBuf;
use std::sync::Arc;

use access_token::{EMAIL, Expected, Keys, Refusal};
use serde::Deserialize;
use service_kit::Reloaded;
use tokio_util::sync::CancellationToken;

use super::attempt::{Accepted, Answer, Token, Unfit};
use super::login::Logins;
use crate::values::UserAddress;
use crate::{Error, Result, clock};

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
    fn login(&self, token: &str) -> std::result::Result<String, Unfit> {
        if token.is_empty() {
            return Err("no token: the client asks which are taken"
                .to_owned()
                .into());
        }
        let checked = self
            .expected
            .check(token, &self.keys.current(), clock::now() / 1000);
        checked.map_err(|refusal| Unfit {
            reason: refusal.to_string(),
            insufficient_scope: refusal == Refusal::Scope,
        })
    }
}

fn read_keys(path: &PathBuf) -> std::result::Result<Keys, service_kit::Error> {
    let failed = |error: &dyn std::fmt::Display| {
        service_kit::Error::Config(format!("oauth.keys: {}: {error}", path.display()))
    };
    let text = std::fs::read(path).map_err(|error| failed(&error))?;
    Keys::read(&text).map_err(|error| failed(&error))
}

impl Logins {
    /// What tokens are checked by, where they are taken.
    pub fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_ref()
    }

    /// Checks a token.
    pub async fn verify_token(&self, token: &Token) -> Result<Answer> {
        let Some(tokens) = &self.tokens else {
            return Err(Error::Precondition(
                "no issuer of tokens is configured".into(),
            ));
        };
        let login = match tokens.login(&token.token) {
            Ok(login) => login,
            Err(unfit) => return Ok(Answer::Unfit(unfit)),
        };
        let account = match UserAddress::parse(&login) {
            Ok(address) => self.find(&address).await?,
            Err(_) => None,
        };
        let Some(account) = account else {
            let reason = format!("the token names {login}, who is no user here");
            return Ok(Answer::Unfit(reason.into()));
        };
        let address = &account.user.address;
        let other = &token.authorization;
        if !other.is_empty() && !other.eq_ignore_ascii_case(address) {
            let reason = format!("the token of {address} is shown to log in as {other}");
            return Ok(Answer::Unfit(reason.into()));
        }
        Ok(Answer::Accepted(Box::new(Accepted {
            user: account.user.into(),
            app_password: None,
            signature: Vec::new(),
        })))
    }
}
