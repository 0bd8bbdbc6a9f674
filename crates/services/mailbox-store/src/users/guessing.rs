//! Delays for password guessing. Wrong guesses are counted by account and by peer address (an IPv6 address by
//! its first half), in the database, for all replicas.
//!
//! At a peer from which the account's owner has logged in before, guesses are counted for this account at
//! this peer instead. Guesses from elsewhere then do not lock the owner out, and a device with an old
//! password does not lock out its whole office. A new replica learns the known peers when somebody logs in
//! there or is delayed.

use std::time::Duration;

use sqlx::PgPool;

use crate::{Result, clock};

/// Wrong guesses on one account before delays begin.
const FREE_BY_ACCOUNT: i32 = 8;
/// Wrong guesses from one peer before delays begin. The number is higher, since an office may share an
/// address, and a known peer counts all devices of its owner.
const FREE_BY_PEER: i32 = 30;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(300);
/// Counts expire after this time without a wrong guess.
const FORGOTTEN: Duration = Duration::from_secs(30 * 60);

/// The source of a guess, for the counts.
#[derive(Debug, Clone)]
pub(super) struct Guesser {
    account: String,
    address: Option<String>,
    here: String,
}

impl Guesser {
    /// An attempt at `account` from `network`, as `known_peers` returns it; empty if unknown.
    pub(super) fn new(account: &str, network: &str) -> Self {
        // Invalid accounts are counted too, but cut to the length of a valid one.
        let account: String = account.chars().take(320).collect();
        Self {
            account: format!("account {account}"),
            address: (!network.is_empty()).then(|| format!("address {network}")),
            here: format!("account {account} at {network}"),
        }
    }

    /// The subjects to count. `known_here`: the account's owner has logged in from this peer before.
    fn subjects(&self, known_here: bool) -> Vec<String> {
        if known_here {
            return vec![self.here.clone()];
        }
        let mut subjects = vec![self.account.clone()];
        subjects.extend(self.address.clone());
        subjects
    }
}

/// The guesses counted for one subject.
#[derive(Debug, Clone, Copy)]
struct Guesses {
    failures: i32,
    failed_at: i64,
}

impl Guesses {
    /// Milliseconds to wait from `now` on: doubling from one second, once the free guesses are used up.
    fn wait(self, free: i32, now: i64) -> i64 {
        let longest = millis(LONGEST);
        let beyond = self.failures - free;
        if beyond < 0 {
            return 0;
        }
        let wait = 1i64
            .checked_shl(u32::try_from(beyond).unwrap_or(0).min(30))
            .map_or(longest, |seconds| (seconds * 1000).min(longest));
        (self.failed_at + wait - now).clamp(0, longest)
    }
}

/// Seconds until the next attempt is allowed; 0: now.
pub(super) async fn wait(
    pool: &PgPool,
    guesser: &Guesser,
    known_here: bool,
    now: i64,
) -> Result<u32> {
    let rows = sqlx::query!(
        "SELECT subject, failures, failed_at FROM mailbox.guess
         WHERE subject = ANY($1) AND failed_at > $2",
        &guesser.subjects(known_here),
        now - millis(FORGOTTEN)
    )
    .fetch_all(pool)
    .await?;
    let longest = rows
        .into_iter()
        .map(|row| {
            let guesses = Guesses {
                failures: row.failures,
                failed_at: row.failed_at,
            };
            let free = if row.subject == guesser.account {
                FREE_BY_ACCOUNT
            } else {
                FREE_BY_PEER
            };
            guesses.wait(free, now)
        })
        .max()
        .unwrap_or(0);
    Ok(u32::try_from((longest + 999) / 1000).unwrap_or(u32::MAX))
}

/// Counts a wrong guess.
pub(super) async fn failed(
    pool: &PgPool,
    guesser: &Guesser,
    known_here: bool,
    now: i64,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO mailbox.guess AS guess (subject, failures, failed_at)
         SELECT subject, 1, $2 FROM UNNEST($1::text[]) AS subject ORDER BY subject
         ON CONFLICT (subject) DO UPDATE
         SET failures = CASE WHEN guess.failed_at > $3 THEN guess.failures + 1 ELSE 1 END,
             failed_at = $2",
        &guesser.subjects(known_here),
        now,
        now - millis(FORGOTTEN)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Clears the guesses on an account whose owner has logged in. Those of the address stay: an attacker must
/// not be able to clear them with an account of their own.
pub(super) async fn succeeded(pool: &PgPool, guesser: &Guesser) -> Result<()> {
    sqlx::query!(
        "DELETE FROM mailbox.guess WHERE subject = $1",
        guesser.account
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Removes expired counts.
pub async fn forget_old(pool: &PgPool) -> Result<()> {
    sqlx::query!(
        "DELETE FROM mailbox.guess WHERE failed_at < $1",
        clock::now() - millis(FORGOTTEN)
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_behind_the_free_guesses_and_has_an_end() {
        let rows = [
            (0, 0),
            (7, 0),
            (8, 1),
            (9, 2),
            (12, 16),
            (17, 300),
            (2_000_000, 300),
        ];
        for (failures, seconds) in rows {
            let guesses = Guesses {
                failures,
                failed_at: 1_000_000,
            };
            assert_eq!(
                guesses.wait(8, 1_000_000),
                seconds * 1000,
                "{failures} failures"
            );
        }
        let guesses = Guesses {
            failures: 9,
            failed_at: 1_000_000,
        };
        assert_eq!(guesses.wait(8, 1_001_500), 500);
        assert_eq!(guesses.wait(8, 1_009_000), 0);
    }
}
