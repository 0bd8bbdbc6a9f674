//! Logins by SCRAM (RFC 5802): the client proves that it knows a password without sending it.

use super::super::scram::{self, Keys};
use super::account::{Account, user_id};
use super::attempt::{Answer, Proof};
use super::{Logins, Matched};
use crate::Result;
use crate::values::UserAddress;

/// The result of checking a proof.
enum Proved {
    By(Matched),
    Wrong,
    /// The account exists but has no keys.
    NoKeys,
}

impl Logins {
    /// The parameters of a proof: the login's salt, whether it exists or not, and the iterations.
    pub async fn scram_parameters(&self, login: &str) -> Result<([u8; 16], u32)> {
        let salt = match UserAddress::parse(login.trim()) {
            Ok(address) => scram::salt(&self.store, address.as_str()).await?,
            Err(_) => scram::salt(&self.store, login).await?,
        };
        Ok((salt, self.passwords.iterations().get()))
    }

    /// Verifies a login and a proof, made with the user's own password or an application password.
    pub async fn verify_scram(&self, proof: &Proof) -> Result<Answer> {
        let begun = match self.begin(&proof.login, &proof.peer).await? {
            Ok(begun) => begun,
            Err(wait) => return Ok(Answer::Later(wait)),
        };
        match self.proof(begun.account.as_ref(), proof).await? {
            Proved::By(right) => self.end(begun, Some(right)).await,
            Proved::Wrong => self.end_without(begun, None).await,
            Proved::NoKeys => {
                let reason = "there are no keys for SCRAM yet: they are made when the password is set, or used with \
                              PLAIN or LOGIN";
                self.end_without(begun, Some(reason.to_owned())).await
            }
        }
    }

    /// The account's password with which the proof was made. The work is the same without an account.
    async fn proof(&self, account: Option<&Account>, proof: &Proof) -> Result<Proved> {
        let user_id = user_id(account);
        let programs = sqlx::query!(
            "SELECT name, scram FROM mailbox.app_password WHERE user_id = $1",
            user_id
        )
        .fetch_all(self.store.pool())
        .await?;
        let verify = |keys: &Keys| keys.verify(proof.hash, &proof.auth_message, &proof.proof);
        let own = account.and_then(|account| account.keys.clone());
        let mut has_keys = own.is_some();
        if let Some(signature) = verify(&own.unwrap_or_else(Keys::dummy)) {
            return Ok(Proved::By(Matched {
                app_password: None,
                signature,
            }));
        }
        let iterations = self.passwords.iterations();
        for program in programs {
            let Some(keys) = Keys::read(program.scram, iterations) else {
                continue;
            };
            has_keys = true;
            if let Some(signature) = verify(&keys) {
                return Ok(Proved::By(Matched {
                    app_password: Some(program.name),
                    signature,
                }));
            }
        }
        Ok(match account.is_some() && !has_keys {
            true => Proved::NoKeys,
            false => Proved::Wrong,
        })
    }
}
