//! Checking logins.

use std::sync::Arc;
use std::time::Duration;

use api::directory::v1::User;
use moka::sync::Cache;
use tokio::sync::broadcast::error::RecvError;

use super::Row;
use super::guessing::{self, Guesser};
use super::password::{Password, Passwords};
use super::verified::Verified;
use crate::notices::{Hub, UserNotice};
use crate::store::Store;
use crate::values::UserAddress;
use crate::{Result, clock};

/// How long a peer that logged in to an account is known there.
const KNOWN_PEER: Duration = Duration::from_secs(24 * 60 * 60);

/// Somebody says who they are.
#[derive(Debug)]
pub struct Attempt {
    /// The full address, in any case.
    pub login: String,
    /// The password.
    pub password: Password,
    /// The peer's address; empty where it is not known.
    pub peer: String,
}

/// What became of it.
#[derive(Debug)]
pub enum Answer {
    /// It is they.
    Accepted(User),
    /// The pair is wrong. Which half is not told.
    Refused,
    /// Too many wrong guesses: not looked at. Seconds to wait.
    Later(u32),
}

/// Checks logins, with what makes the second check cheap.
#[derive(Debug)]
pub struct Logins {
    store: Store,
    passwords: Passwords,
    verified: Arc<Verified>,
    /// Where an account's owner logged in from before.
    known_peers: Cache<(i64, String), ()>,
}

impl Logins {
    /// Over the store's users. Forgets what it keeps about a user when their password changes.
    pub fn new(store: Store, passwords: Passwords) -> Self {
        let verified = Arc::new(Verified::new());
        tokio::spawn(forget_changed(
            Arc::clone(&verified),
            Arc::clone(store.hub()),
        ));
        let known_peers = Cache::builder()
            .max_capacity(100_000)
            .time_to_live(KNOWN_PEER)
            .build();
        Self {
            store,
            passwords,
            verified,
            known_peers,
        }
    }

    /// Checks a login and a password.
    pub async fn authenticate(&self, attempt: &Attempt) -> Result<Answer> {
        let address = UserAddress::parse(attempt.login.trim()).ok();
        let account = match &address {
            Some(address) => self.find(address).await?,
            None => None,
        };
        let name = address
            .as_ref()
            .map_or(attempt.login.as_str(), UserAddress::as_str);
        let guesser = Guesser::new(name, &attempt.peer);
        let known_here = account
            .as_ref()
            .is_some_and(|account| self.known_peers.contains_key(&account.peer(attempt)));
        let now = clock::now();
        let wait = guessing::wait(self.store.pool(), &guesser, known_here, now).await?;
        if wait > 0 {
            return Ok(Answer::Later(wait));
        }
        let Some(account) = self.verify(account, &attempt.password).await? else {
            guessing::failed(self.store.pool(), &guesser, now).await?;
            return Ok(Answer::Refused);
        };
        if !self.known_peers.contains_key(&account.peer(attempt)) {
            guessing::succeeded(self.store.pool(), &guesser).await?;
            self.known_peers.insert(account.peer(attempt), ());
        }
        Ok(Answer::Accepted(account.user.into()))
    }

    async fn find(&self, address: &UserAddress) -> Result<Option<Account>> {
        let row = sqlx::query!(
            r#"SELECT user_id, address, created_at, password,
                      COALESCE(sum(size), 0)::bigint AS "used!",
                      COALESCE(sum(messages), 0)::bigint AS "messages!"
               FROM mailbox.user LEFT JOIN mailbox.mailbox USING (user_id)
               WHERE address = $1 GROUP BY user_id"#,
            address.as_str()
        )
        .fetch_optional(self.store.pool())
        .await?;
        Ok(row.map(|row| Account {
            hash: row.password,
            user: Row {
                user_id: row.user_id,
                address: row.address,
                created_at: row.created_at,
                used: row.used,
                messages: row.messages,
            },
        }))
    }

    /// The account, when the password is its own.
    async fn verify(
        &self,
        account: Option<Account>,
        password: &Password,
    ) -> Result<Option<Account>> {
        let Some(account) = account else {
            self.passwords.verify(password, None).await?;
            return Ok(None);
        };
        let user_id = account.user.user_id;
        if self.verified.contains(user_id, &account.hash, password) {
            return Ok(Some(account));
        }
        if !self
            .passwords
            .verify(password, Some(account.hash.clone()))
            .await?
        {
            return Ok(None);
        }
        self.verified.insert(user_id, &account.hash, password);
        Ok(Some(account))
    }
}

#[derive(Debug)]
struct Account {
    user: Row,
    hash: String,
}

impl Account {
    fn peer(&self, attempt: &Attempt) -> (i64, String) {
        (self.user.user_id, attempt.peer.clone())
    }
}

/// Ends with the hub.
async fn forget_changed(verified: Arc<Verified>, hub: Arc<Hub>) {
    let mut notices = hub.users();
    drop(hub);
    loop {
        match notices.recv().await {
            Ok(UserNotice::Password { user_id }) => verified.remove(user_id),
            // What was lost does no harm: an entry is bound to the stored hash.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
