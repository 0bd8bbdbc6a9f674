//! Verification of logins. This file applies the delays for guessing, and records the end of a login. Each
//! kind of login has a file, and [`exchange`] conducts a client through it.

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

/// How long a peer stays exempt from others' guesses at an account, after a login from it.
const KNOWN_PEER: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often a login from a known peer is stored again.
const NOTED: Duration = Duration::from_secs(24 * 60 * 60);

/// Verifies logins, with a cache that makes repetitions cheap.
#[derive(Debug)]
pub struct Logins {
    store: Store,
    passwords: Passwords,
    tokens: Option<Tokens>,
    verified: Arc<Verified>,
    /// Peers from which an account's owner has logged in.
    known_peers: Cache<(i64, String), ()>,
}

/// A login that may be verified now.
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

/// The proof that matched.
#[derive(Default)]
pub(super) struct Matched {
    app_password: Option<String>,
    signature: Vec<u8>,
}

impl Logins {
    /// Logins of the store's users. A user's cached results are removed when their password changes.
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

    /// The account with this address.
    async fn find(&self, address: &UserAddress) -> Result<Option<Account>> {
        account::find(&self.store, self.passwords.iterations(), address).await
    }

    /// Looks up the account, unless the guesser has to wait; then returns the seconds.
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
            // The peer may be known from another replica, or from before a restart.
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

    /// Records the result.
    ///
    /// Guesses counted meanwhile by concurrent attempts count for this one too, and the answer then does not
    /// say whether the password was right. Otherwise a burst of guesses would show which of them to repeat.
    pub(super) async fn end(&self, begun: Begun, right: Option<Matched>) -> Result<Answer> {
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
            known_peers::note(pool, account.user_id, &begun.peer, begun.now).await?;
            self.known_peers.insert(account.at(&begun.peer), ());
        }
        Ok(Answer::Accepted(Box::new(Accepted {
            user_id: account.user_id,
            address: account.address,
            app_password: right.app_password,
            signature: right.signature,
        })))
    }

    /// Records a failed login: a wrong guess or, with a reason, an attempt for which there was nothing to
    /// guess yet.
    ///
    /// The latter counts like a guess, too; otherwise it would differ from a login that does not exist. It
    /// does not count at a known peer of the account: nobody learns anything there, and an office whose
    /// devices all try a newly offered mechanism must not be delayed. The database is asked in either case,
    /// so that the time is the same.
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
            // A lost notice does no harm: an entry is bound to the stored hash.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
