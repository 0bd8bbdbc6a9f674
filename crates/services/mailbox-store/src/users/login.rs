//! Checking logins, by passwords and by proofs of them.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use sqlx::PgPool;
use tokio::sync::broadcast::error::RecvError;

use super::attempt::{Accepted, Answer, Attempt, Proof};
use super::guessing::{self, Guesser, millis};
use super::password::{Password, Passwords};
use super::scram::{self, Keys};
use super::tokens::Tokens;
use super::verified::Verified;
use super::{Row, app_passwords, known_peers};
use crate::notices::{Hub, UserNotice};
use crate::store::Store;
use crate::values::UserAddress;
use crate::{Result, clock};

/// How long others' guesses at an account do not count at a peer that has logged in to it.
const KNOWN_PEER: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often it is noted that it still does.
const NOTED: Duration = Duration::from_secs(24 * 60 * 60);

/// Checks logins, with what makes the second check cheap.
#[derive(Debug)]
pub struct Logins {
    pub(super) store: Store,
    pub(super) passwords: Passwords,
    pub(super) tokens: Option<Tokens>,
    verified: Arc<Verified>,
    /// Where an account's owner logged in from before.
    known_peers: Cache<(i64, String), ()>,
}

/// A login that may be looked at now.
pub(super) struct Begun {
    pub(super) account: Option<Account>,
    guesser: Guesser,
    peer: String,
    known_here: bool,
    now: i64,
}

/// What a proof proves.
enum Proved {
    By(Right),
    Wrong,
    /// There is an account, and nothing to check it by.
    NoKeys,
}

impl Begun {
    /// Whether the account's owner has logged in from this peer before.
    async fn was_here(&self, pool: &PgPool) -> Result<bool> {
        let user_id = user_id(self.account.as_ref());
        let since = self.now - millis(known_peers::KEPT);
        known_peers::is_known(pool, user_id, &self.peer, since).await
    }
}

/// What was right.
#[derive(Default)]
pub(super) struct Right {
    pub(super) app_password: Option<String>,
    pub(super) signature: Vec<u8>,
}

impl Logins {
    /// Over the store's users. Forgets what it keeps about a user when their password changes.
    pub fn new(store: Store, passwords: Passwords, tokens: Option<Tokens>) -> Self {
        let verified = Arc::new(Verified::new());
        tokio::spawn(forget_changed(
            Arc::clone(&verified),
            Arc::clone(store.hub()),
        ));
        let known_peers = Cache::builder()
            .max_capacity(100_000)
            .time_to_live(NOTED)
            .build();
        Self {
            store,
            passwords,
            tokens,
            verified,
            known_peers,
        }
    }

    /// Checks a login and a password.
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

    /// What a client needs for a proof: the salt of the login, whether it exists or not, and how
    /// often the password is hashed.
    pub async fn scram_parameters(&self, login: &str) -> Result<([u8; 16], u32)> {
        let salt = match UserAddress::parse(login.trim()) {
            Ok(address) => scram::salt(&self.store, address.as_str()).await?,
            Err(_) => scram::salt(&self.store, login).await?,
        };
        Ok((salt, self.passwords.iterations().get()))
    }

    /// Checks a login and a proof, made with the user's own password or with one of a program's.
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

    /// Finds the account, unless the guesser has to wait; then so many seconds.
    pub(super) async fn begin(&self, login: &str, peer: &str) -> Result<Result<Begun, u32>> {
        let address = UserAddress::parse(login.trim()).ok();
        let account = match &address {
            Some(address) => self.find(address).await?,
            None => None,
        };
        let name = address.as_ref().map_or(login, UserAddress::as_str);
        let peer = known_peers::network(peer);
        let guesser = Guesser::new(name, &peer);
        let mut known_here = account
            .as_ref()
            .is_some_and(|account| self.known_peers.contains_key(&account.at(&peer)));
        let now = clock::now();
        let pool = self.store.pool();
        let mut wait = guessing::wait(pool, &guesser, known_here, now).await?;
        if wait > 0 && !known_here {
            // Perhaps known at another replica, or from before a restart.
            let since = now - millis(KNOWN_PEER);
            let user_id = user_id(account.as_ref());
            known_here = known_peers::is_known(pool, user_id, &peer, since).await?;
            wait = guessing::wait(pool, &guesser, known_here, now).await?;
        }
        if wait > 0 {
            return Ok(Err(wait));
        }
        Ok(Ok(Begun {
            account,
            guesser,
            peer,
            known_here,
            now,
        }))
    }

    /// Notes what came of it.
    ///
    /// Of many guesses at once those that were counted meanwhile count for this one, too; and the answer
    /// is the same whether it was right: else a rush of guesses would tell which of them to repeat.
    pub(super) async fn end(&self, begun: Begun, right: Option<Right>) -> Result<Answer> {
        let pool = self.store.pool();
        let here = begun
            .account
            .as_ref()
            .map(|account| account.at(&begun.peer));
        let known = here.filter(|here| right.is_some() && self.known_peers.contains_key(here));
        if known.is_none() {
            let wait = guessing::wait(pool, &begun.guesser, begun.known_here, begun.now).await?;
            if wait > 0 {
                return Ok(Answer::Later(wait));
            }
        }
        let (Some(account), Some(right)) = (begun.account, right) else {
            guessing::failed(pool, &begun.guesser, begun.known_here, begun.now).await?;
            return Ok(Answer::Refused);
        };
        if known.is_none() {
            guessing::succeeded(pool, &begun.guesser).await?;
            known_peers::note(pool, account.user.user_id, &begun.peer, begun.now).await?;
            self.known_peers.insert(account.at(&begun.peer), ());
        }
        Ok(Answer::Accepted(Box::new(Accepted {
            user: account.user.into(),
            app_password: right.app_password,
            signature: right.signature,
        })))
    }

    /// Notes that nothing was right: it was a guess, or, where there is a reason, there was nothing yet
    /// that could have been guessed at.
    ///
    /// That counts like a guess, too, else it could be told from a login that does not exist. But not at
    /// a peer where the account's owner has logged in before: nobody learns anything there, and an office
    /// whose devices all try what they have just been offered is not slowed for it. Whoever it is, the
    /// database is asked: that takes its time.
    pub(super) async fn end_without(&self, begun: Begun, reason: Option<String>) -> Result<Answer> {
        let was_here = begun.was_here(self.store.pool()).await?;
        let Some(reason) = reason else {
            return self.end(begun, None).await;
        };
        if !was_here {
            let counted = self.end(begun, None).await?;
            if matches!(counted, Answer::Later(_)) {
                return Ok(counted);
            }
        }
        Ok(Answer::Unfit(reason.into()))
    }

    pub(super) async fn find(&self, address: &UserAddress) -> Result<Option<Account>> {
        let row = sqlx::query!(
            r#"SELECT user_id, address, created_at, password, scram,
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
            keys: Keys::read(row.scram, self.passwords.iterations()),
            user: Row {
                user_id: row.user_id,
                address: row.address,
                created_at: row.created_at,
                used: row.used,
                messages: row.messages,
            },
        }))
    }

    /// Whether the password is the account's own, or one of its programs'.
    async fn password(
        &self,
        account: Option<&Account>,
        password: &Password,
    ) -> Result<Option<Right>> {
        let program = self.app_password(account, password).await?;
        let Some(account) = account else {
            self.passwords.verify(password, None).await?;
            return Ok(None);
        };
        if let Some(name) = program {
            return Ok(Some(Right {
                app_password: Some(name),
                ..Right::default()
            }));
        }
        let user_id = account.user.user_id;
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
        Ok(Some(Right::default()))
    }

    /// The name of the application password that this is, if it is one. The database is asked for an
    /// account that does not exist, too.
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

    /// A password that was set before there were keys has been shown: now it can have some.
    async fn make_keys(&self, account: &Account, password: &Password) -> Result<()> {
        let salt = scram::salt(&self.store, &account.user.address).await?;
        let Some(keys) = self.passwords.scram_keys(password, salt).await? else {
            return Ok(());
        };
        // Not when the password has been changed meanwhile.
        sqlx::query!(
            "UPDATE mailbox.user SET scram = $3 WHERE user_id = $1 AND password = $2",
            account.user.user_id,
            account.hash,
            keys.as_bytes()
        )
        .execute(self.store.pool())
        .await?;
        Ok(())
    }

    /// Which of the account's passwords the proof was made with. The work is the same where there
    /// is no account.
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
        if let Some(signature) = verify(&own.unwrap_or_else(Keys::of_nobody)) {
            return Ok(Proved::By(Right {
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
                return Ok(Proved::By(Right {
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

#[derive(Debug)]
pub(super) struct Account {
    pub(super) user: Row,
    pub(super) hash: String,
    keys: Option<Keys>,
}

/// No user's where there is no account: the database is asked about that one, too, so that an answer
/// takes as long.
pub(super) fn user_id(account: Option<&Account>) -> i64 {
    account.map_or(0, |account| account.user.user_id)
}

impl Account {
    fn at(&self, peer: &str) -> (i64, String) {
        (self.user.user_id, peer.to_owned())
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
