//! Known peers: addresses from which users have logged in. Stored in the database, for all replicas and
//! across restarts.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use sqlx::PgPool;

use super::guessing::millis;
use crate::{Result, clock};

/// How long a known peer is stored.
pub(super) const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The network of an address: for IPv6 its first half, since its owner chooses the second. Other text is
/// returned unchanged.
pub(super) fn network(peer: &str) -> String {
    match peer.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let bits = address.to_bits() >> 64 << 64;
            format!("{}/64", Ipv6Addr::from_bits(bits))
        }
        // Cut to the length of an address.
        Err(_) => peer.chars().take(320).collect(),
    }
}

/// Stores that the user has logged in from this peer.
pub(super) async fn note(pool: &PgPool, user_id: i64, peer: &str, now: i64) -> Result<()> {
    if peer.is_empty() {
        return Ok(());
    }
    // The user may have been removed meanwhile.
    sqlx::query!(
        "INSERT INTO mailbox.known_peer AS known (user_id, peer, seen_at)
         SELECT user_id, $2, $3 FROM mailbox.user WHERE user_id = $1 FOR KEY SHARE
         ON CONFLICT (user_id, peer) DO UPDATE SET seen_at = GREATEST(known.seen_at, $3)",
        user_id,
        peer,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether the user has logged in from this peer since the given time.
pub(super) async fn is_known(pool: &PgPool, user_id: i64, peer: &str, since: i64) -> Result<bool> {
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM mailbox.known_peer
                          WHERE user_id = $1 AND peer = $2 AND seen_at > $3) AS "known!""#,
        user_id,
        peer,
        since
    )
    .fetch_one(pool)
    .await?;
    Ok(known)
}

/// Removes expired rows.
pub async fn forget_old(pool: &PgPool) -> Result<()> {
    sqlx::query!(
        "DELETE FROM mailbox.known_peer WHERE seen_at < $1",
        clock::now() - millis(KEPT)
    )
    .execute(pool)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_one() {
        let rows = [
            ("203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
            ("", ""),
            ("unix", "unix"),
        ];
        for (peer, known) in rows {
            assert_eq!(network(peer), known, "{peer}");
        }
    }
}
