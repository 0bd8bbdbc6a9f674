//! Checking logins. This file knows whom guessing slows, and what is noted of the end of a login; each
//! way to log in is a file, and [`exchange`] leads a client through it.

mod account;
pub(super) mod attempt;
mod by_certificate;
mod by_password;
mod by_proof;
mod by_token;
pub(super) mod exchange;
mod nonce;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use sqlx::PgPool;
use tokio::sync::broadcast::error::RecvError;

use self::account::{Account, user_id};
use super::guessing::{self, Guesser, millis};
use super::hashing::Passwords;
use super::known_peers;
use super::tokens::Tokens;
use super::verified::Verified;
use crate::notices::{Hub, UserNotice};
use crate::store::Store;
use crate::values::UserAddress;
use crate::{Result, clock};

use self::attempt::{Accepted, Answer};

/// How long others' guesses at an account do not count at a peer that has logged in to it.
const KNOWN_PEER: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often it is noted that it still does.
const NOTED: Duration = Duration::from_secs(24 * 60 * 60);

/// Checks logins, with what makes the second check cheap.
#[derive(Debug)]
pub struct Logins {
    store: Store,
    passwords: Passwords,
    tokens: Option<Tokens>,
    verified: Arc<Verified>,
    /// Where an account's owner logged in from before.
    known_peers: Cache<(i64, String), ()>,
}

/// A login that may be looked at now.
pub(super) struct Begun {
    account: Option<Account>,
    guesser: Guesser,
    peer: String,
    known_here: bool,
    now: i64,
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
    app_password: Option<String>,
    signature: Vec<u8>,
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

    /// The account of this address.
    async fn find(&self, address: &UserAddress) -> Result<Option<Account>> {
        account::find(&self.store, self.passwords.iterations(), address).await
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
