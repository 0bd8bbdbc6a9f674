//! Logins by access tokens: an external issuer identifies the bearer, and this directory decides whether that
//! is one of its users.

use access_token::Refusal;

use super::super::tokens::Tokens;
use super::Logins;
use super::attempt::{Accepted, Answer, Token, Unfit};
use crate::values::UserAddress;
use crate::{Error, Result};

impl Logins {
    /// The token checks, if tokens are accepted.
    pub fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_ref()
    }

    /// Verifies a token.
    pub async fn verify_token(&self, token: &Token) -> Result<Answer> {
        let Some(tokens) = &self.tokens else {
            return Err(Error::Precondition(
                "no issuer of tokens is configured".into(),
            ));
        };
        if token.token.is_empty() {
            let reason = "no token: the client asks which ones are accepted".to_owned();
            return Ok(Answer::Unfit(reason.into()));
        }
        let login = match tokens.login(&token.token) {
            Ok(login) => login,
            Err(refusal) => {
                return Ok(Answer::Unfit(Unfit {
                    reason: refusal.to_string(),
                    insufficient_scope: refusal == Refusal::Scope,
                }));
            }
        };
        let account = match UserAddress::parse(&login) {
            Ok(address) => self.find(&address).await?,
            Err(_) => None,
        };
        let Some(account) = account else {
            let reason = format!("the token names {login}, who is no user here");
            return Ok(Answer::Unfit(reason.into()));
        };
        let address = &account.address;
        let other = &token.authorization;
        if !other.is_empty() && !other.eq_ignore_ascii_case(address) {
            let reason = format!("the token of {address} is shown to log in as {other}");
            return Ok(Answer::Unfit(reason.into()));
        }
        Ok(Answer::Accepted(Box::new(Accepted {
            user_id: account.user_id,
            address: account.address,
            app_password: None,
            signature: Vec::new(),
        })))
    }
}
