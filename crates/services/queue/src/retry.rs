//! `RetryNow`: what waits for its next attempt is due now. Bounded in rows and time; whoever asks for
//! more than a page goes on behind it.

use api::grpc::Status;
use api::queue::v1::{RetryNowRequest, RetryNowResponse};
use database::{HeldConnection, bounded};

use crate::engine::Engine;
use crate::failure;
use crate::sql::retry::{self as sql, Page};

/// Recipients of one page.
const PAGE: i64 = 5_000;

/// Serves the call.
pub(crate) async fn retry_now(
    engine: &Engine,
    request: &RetryNowRequest,
) -> Result<RetryNowResponse, Status> {
    let (domain, message) = (request.domain.as_str(), request.message_id);
    // A recipient's id must not overflow.
    if !(0..1 << 48).contains(&message) || (message != 0 && !domain.is_empty()) {
        return Err(Status::invalid_argument(
            "ask for a domain, for a message that there can be, or for all",
        ));
    }
    let page = Page {
        after: request.after,
        limit: PAGE,
        now: engine.clock.now(),
    };
    let mut connection = HeldConnection::new(engine.pool.clone());
    let due = bounded(async {
        let connection = connection.get().await?;
        match (domain, message) {
            ("", 0) => sql::any(connection, page).await,
            ("", message) => sql::of_message(connection, message, page).await,
            (domain, _) => sql::of_domain(connection, domain, request.subdomains, page).await,
        }
    });
    let due = due.await.map_err(|error| {
        connection.discard();
        failure::of_database(&error)
    })?;
    if due.recipients > 0 {
        tracing::info!(
            domain,
            message,
            recipients = due.recipients,
            "to be tried now"
        );
        engine.due.left_now();
    }
    Ok(RetryNowResponse {
        recipients: u32::try_from(due.recipients).unwrap_or(u32::MAX),
        messages: u32::try_from(due.messages).unwrap_or(u32::MAX),
        next: due.last.filter(|_| due.recipients == PAGE).unwrap_or(0),
    })
}
