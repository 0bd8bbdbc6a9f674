//! `Quarantine` of `queue.v1`: accepted messages kept back until an administrator decides.

use std::sync::Arc;

use api::grpc::{Request, Response, Status, async_trait};
use api::queue::v1::quarantine_server::Quarantine;
use api::queue::v1::{
    ListQuarantinedRequest, ListQuarantinedResponse, ReleaseQuarantinedRequest,
    ReleaseQuarantinedResponse, RemoveQuarantinedRequest, RemoveQuarantinedResponse,
};
use database::{HeldConnection, bounded};

use crate::asking::administrator;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::sql::quarantine as sql;
use crate::{read, trail};

/// Number of expired messages read at once.
const OVERDUE_BATCH: i64 = 500;

/// The service.
#[derive(Debug)]
pub(crate) struct QuarantineService {
    engine: Arc<Engine>,
}

impl QuarantineService {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

#[async_trait]
impl Quarantine for QuarantineService {
    async fn list_quarantined(
        &self,
        request: Request<ListQuarantinedRequest>,
    ) -> Result<Response<ListQuarantinedResponse>, Status> {
        administrator(&request)?;
        let page = read::list_quarantined(&self.engine, request.get_ref()).await?;
        Ok(Response::new(page))
    }

    async fn release_quarantined(
        &self,
        request: Request<ReleaseQuarantinedRequest>,
    ) -> Result<Response<ReleaseQuarantinedResponse>, Status> {
        let author = administrator(&request)?.author();
        let message_id = request.get_ref().message_id;
        let reason = format!("released from quarantine by {author}");
        let engine = &self.engine;
        let mut connection = HeldConnection::new(engine.pool.clone());
        let released = bounded(async {
            let now = engine.clock.now();
            sql::release(connection.get().await?, message_id, &reason, now).await
        });
        let recipients = decided(
            message_id,
            released.await,
            connection,
            "released from quarantine",
        )?;
        // It may still be held; the scan finds out until when.
        engine.due.left_now();
        count("released");
        Ok(Response::new(ReleaseQuarantinedResponse { recipients }))
    }

    async fn remove_quarantined(
        &self,
        request: Request<RemoveQuarantinedRequest>,
    ) -> Result<Response<RemoveQuarantinedResponse>, Status> {
        let author = administrator(&request)?.author();
        let message_id = request.get_ref().message_id;
        let reason = format!("removed from quarantine by {author}");
        let engine = &self.engine;
        let mut connection = HeldConnection::new(engine.pool.clone());
        let removed = bounded(async {
            let now = engine.clock.now();
            sql::remove(connection.get().await?, message_id, &reason, now).await
        });
        let recipients = decided(
            message_id,
            removed.await,
            connection,
            "removed from quarantine",
        )?;
        count("removed");
        Ok(Response::new(RemoveQuarantinedResponse { recipients }))
    }
}

/// Removes messages whose time in quarantine has ended. No notice is sent: the reverse-path may be forged.
pub(crate) async fn remove_overdue(engine: &Engine) -> Result<(), sqlx::Error> {
    let now = engine.clock.now();
    let mut connection = engine.pool.acquire().await?;
    loop {
        let overdue = sql::overdue(&mut connection, now, OVERDUE_BATCH).await?;
        let (mut removed, asked) = (0_u64, overdue.len());
        for message in overdue {
            let reason = format!(
                "kept {} in quarantine, nobody released it",
                rules::format_duration(std::time::Duration::from_millis(read::unsigned(
                    message.kept
                )))
            );
            let ended = sql::remove(&mut connection, message.message_id, &reason, now).await?;
            // `None`: an administrator has just decided.
            if let Some(ended) = ended {
                removed += 1;
                trail::decided(
                    message.message_id,
                    ended.session.as_deref(),
                    ended.recipients,
                    "removed from quarantine, since nobody released it in time",
                );
            }
        }
        if removed > 0 {
            metrics::counter!("postern_queue_quarantine_left_total", "how" => "overdue")
                .increment(removed);
        }
        if (asked as i64) < OVERDUE_BATCH {
            return Ok(());
        }
    }
}

fn count(how: &'static str) {
    metrics::counter!("postern_queue_quarantine_left_total", "how" => how).increment(1);
}

/// Logs and counts a decision. After an error of Postgres the connection is not used again.
fn decided(
    message_id: i64,
    result: Result<Option<sql::Decided>, sqlx::Error>,
    mut connection: HeldConnection,
    what: &'static str,
) -> Result<u32> {
    match result {
        Ok(Some(decided)) => {
            trail::decided(
                message_id,
                decided.session.as_deref(),
                decided.recipients,
                what,
            );
            Ok(u32::try_from(decided.recipients).unwrap_or(u32::MAX))
        }
        Ok(None) => Err(Error::not_found(format!(
            "message {message_id} is not in quarantine"
        ))),
        Err(error) => {
            connection.discard();
            Err(Error::Database(error))
        }
    }
}

#[cfg(test)]
mod tests;
