//! Notices from the other replicas.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use super::{CHANNEL, Hub, Notice, Origin, UserNotice};
use crate::values::unsigned;

/// The MODSEQ reported for a deleted mailbox: higher than any, so that its watchers ask.
pub const GONE: u64 = i64::MAX as u64;

/// Passes the notices of other replicas to the hub until `shutdown`. After the connection was lost, and
/// notices with it, all watchers get the present state.
pub async fn listen(pool: PgPool, hub: Arc<Hub>, own: Origin, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let session = shutdown
            .run_until_cancelled(session(&pool, &hub, own))
            .await;
        if let Some(Err(error)) = session {
            tracing::warn!(%error, "no notices from other replicas; trying again");
            shutdown
                .run_until_cancelled(tokio::time::sleep(Duration::from_millis(250)))
                .await;
        }
    }
}

async fn session(pool: &PgPool, hub: &Hub, own: Origin) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    resume(pool, hub).await?;
    // `None`: the connection was lost. The next session reports the present state.
    while let Some(notification) = listener.try_recv().await? {
        match Notice::decode(notification.payload()) {
            Some((origin, _)) if origin == own => {}
            Some((_, Notice::Mailboxes(changes))) => hub.publish(&changes),
            Some((_, Notice::User { address, exists })) => {
                hub.publish_user(UserNotice::User { address, exists });
            }
            Some((_, Notice::Password { user_id })) => {
                hub.publish_user(UserNotice::Password { user_id });
            }
            None => tracing::debug!("a notice that this release does not know"),
        }
    }
    Ok(())
}

/// Reports the present state to all watchers, in place of lost notices.
async fn resume(pool: &PgPool, hub: &Hub) -> sqlx::Result<()> {
    hub.publish_user(UserNotice::Lost);
    let watched = hub.watched();
    let changes = present(pool, &watched).await?;
    hub.publish(&changes);
    Ok(())
}

/// The present MODSEQs of mailboxes. A deleted mailbox gets the highest possible one, so that its watchers
/// ask.
pub async fn present(pool: &PgPool, mailbox_ids: &[i64]) -> sqlx::Result<Vec<(i64, u64)>> {
    let rows = sqlx::query!(
        r#"SELECT asked.mailbox_id AS "mailbox_id!", mailbox.highest_modseq AS "highest_modseq?"
           FROM UNNEST($1::bigint[]) AS asked (mailbox_id)
           LEFT JOIN mailbox.mailbox USING (mailbox_id)"#,
        mailbox_ids
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.mailbox_id, row.highest_modseq.map_or(GONE, unsigned)))
        .collect())
}
