//! Notifications between replicas (LISTEN/NOTIFY): mail that waits, a new revision of the policy. They may be
//! lost; nothing relies on them.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::policy::Policies;

const DUE: &str = "queue_due";
const POLICY: &str = "queue_policy";

/// Shortest interval between two notifications of waiting mail.
const TELL_PAUSE: Duration = Duration::from_millis(100);

/// Pause after the connection was lost.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// Notifies other replicas that this one left mail in the table.
pub(crate) async fn tell(engine: Arc<Engine>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = engine.due.something_to_tell() => {}
        }
        if let Err(error) = notify(&engine.pool, DUE).await {
            tracing::debug!(%error, "other replicas were not notified of waiting mail");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(TELL_PAUSE) => {}
        }
    }
}

/// Notifies other replicas of a new revision of the policy.
pub(crate) async fn tell_policy(pool: &sqlx::PgPool) {
    if let Err(error) = notify(pool, POLICY).await {
        tracing::warn!(%error, "other replicas were not notified of the new policy");
    }
}

async fn notify(pool: &sqlx::PgPool, channel: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_notify($1, '')")
        .bind(channel)
        .execute(pool)
        .await?;
    Ok(())
}

/// Listens until shutdown. After a gap everything is looked at again.
pub(crate) async fn listen(
    engine: Arc<Engine>,
    policies: Arc<Policies>,
    shutdown: CancellationToken,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            result = listen_once(&engine, &policies) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "listening for notifications failed");
                }
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(RECONNECT_PAUSE) => {}
        }
    }
}

async fn listen_once(engine: &Engine, policies: &Policies) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(&engine.pool).await?;
    listener.listen_all([DUE, POLICY]).await?;
    engine.due.found_now();
    policies.refresh().await?;
    // `None`: the connection was lost, and notifications with it.
    while let Some(word) = listener.try_recv().await? {
        match word.channel() {
            DUE => engine.due.found_now(),
            POLICY => policies.refresh().await?,
            _ => {}
        }
    }
    Ok(())
}
