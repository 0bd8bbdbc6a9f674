//! Logins by password: PLAIN, LOGIN, and POP3's and IMAP's own commands.

use super::super::{app_passwords, password::Password, scram};
use super::account::{Account, user_id};
use super::attempt::{Answer, Attempt};
use super::{Logins, Matched};
use crate::Result;

impl Logins {
    /// Verifies a login and a password.
    pub async fn authenticate(&self, attempt: &Attempt) -> Result<Answer> {
        let begun = match self.begin(&attempt.login, &attempt.peer).await? {
            Ok(begun) => begun,
            Err(wait) => return Ok(Answer::Later(wait)),
        };
        let right = self
            .password(begun.account.as_ref(), &attempt.password)
            .await?;
        self.end(begun, right).await
    }

    /// Whether the password is the account's own, or an application password.
    async fn password(
        &self,
        account: Option<&Account>,
        password: &Password,
    ) -> Result<Option<Matched>> {
        let program = self.app_password(account, password).await?;
        let Some(account) = account else {
            self.passwords.verify(password, None).await?;
            return Ok(None);
        };
        if let Some(name) = program {
            return Ok(Some(Matched {
                app_password: Some(name),
                ..Matched::default()
            }));
        }
        let user_id = account.user_id;
        if !self.verified.contains(user_id, &account.hash, password) {
            let hash = Some(account.hash.clone());
            if !self.passwords.verify(password, hash).await? {
                return Ok(None);
            }
            self.verified.insert(user_id, &account.hash, password);
            if account.keys.is_none() {
                self.make_keys(account, password).await?;
            }
        }
        Ok(Some(Matched::default()))
    }

    /// The name of the application password, if it is one. The database is also asked for an account that
    /// does not exist.
    async fn app_password(
        &self,
        account: Option<&Account>,
        password: &Password,
    ) -> Result<Option<String>> {
        let Some(selector) = app_passwords::selector(password.as_str()) else {
            return Ok(None);
        };
        let user_id = user_id(account);
        let found = sqlx::query!(
            "SELECT name, password FROM mailbox.app_password
             WHERE user_id = $1 AND selector = $2",
            user_id,
            selector
        )
        .fetch_optional(self.store.pool())
        .await?;
        let (Some(_), Some(found)) = (account, found) else {
            return Ok(None);
        };
        if !self.verified.contains(user_id, &found.password, password) {
            let hash = Some(found.password.clone());
            if !self.passwords.verify(password, hash).await? {
                return Ok(None);
            }
            self.verified.insert(user_id, &found.password, password);
        }
        Ok(Some(found.name))
    }

    /// Makes SCRAM keys for a password that was set before they existed and has now been given.
    async fn make_keys(&self, account: &Account, password: &Password) -> Result<()> {
        let salt = scram::salt(&self.store, &account.address).await?;
        let Some(keys) = self.passwords.scram_keys(password, salt).await? else {
            return Ok(());
        };
        // Not if the password has been changed meanwhile.
        sqlx::query!(
            "UPDATE mailbox.user SET scram = $3 WHERE user_id = $1 AND password = $2",
            account.user_id,
            account.hash,
            keys.as_bytes()
        )
        .execute(self.store.pool())
        .await?;
        Ok(())
    }
}
