//! `RetryNow`: makes recipients due now that wait for their next attempt or stand back because of a low
//! priority. Rows and time are bounded; a caller that needs more than one page asks for the next.

use api::actor::Asking;
use api::actor::v1::ActorKind;
use api::grpc::Status;
use api::queue::v1::{RetryNowRequest, RetryNowResponse};
use database::{HeldConnection, bounded};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::options;
use crate::sql::LARGEST_MESSAGE_ID;
use crate::sql::retry::{self as sql, Due, NotDue, Page, Selection};

/// Recipients of one page.
const PAGE: i64 = 5_000;

/// Serves the call.
pub(crate) async fn retry_now(
    engine: &Engine,
    asking: &Asking<'_>,
    request: &RetryNowRequest,
) -> Result<RetryNowResponse, Status> {
    let wanted = selection(request)?;
    may_ask(asking, wanted)?;
    let page = Page {
        after: request.after,
        up_to: i64::MAX,
        limit: PAGE,
        now: engine.clock.now(),
    };
    let mut connection = HeldConnection::new(engine.pool.clone());
    let due = bounded(make_due(&mut connection, wanted, page)).await;
    let (due, next) = due.map_err(|error| {
        connection.discard();
        Error::Database(error)
    })?;
    if due.recipients > 0 {
        let author = asking.author();
        tracing::info!(
            author,
            ?wanted,
            recipients = due.recipients,
            "waiting recipients were made due"
        );
        engine.due.left_now();
    }
    Ok(RetryNowResponse {
        recipients: u32::try_from(due.recipients).unwrap_or(u32::MAX),
        messages: u32::try_from(due.messages).unwrap_or(u32::MAX),
        next: next.unwrap_or(0),
    })
}

/// Clients may name a domain (ETRN); messages are for administrators.
fn may_ask(asking: &Asking<'_>, selection: Selection<'_>) -> Result<(), Status> {
    match (asking.actor.kind(), selection) {
        (ActorKind::Administrator, _) | (_, Selection::Domain { .. }) => Ok(()),
        _ => Err(asking.refused("only an administrator may ask for a message, or for all")),
    }
}

fn selection(request: &RetryNowRequest) -> Result<Selection<'_>> {
    match (request.domain.as_str(), request.message_id) {
        ("", 0) => Ok(Selection::Any),
        // A recipient's id must not overflow.
        ("", message_id @ 1..=LARGEST_MESSAGE_ID) => Ok(Selection::Message(message_id)),
        (name, 0) => Ok(Selection::Domain {
            name,
            subdomains: request.subdomains,
        }),
        _ => Err(Error::invalid(
            "name a domain or a valid message id, or neither for all",
        )),
    }
}

/// Makes a page due. Returns the counts and the recipient after which there may be more.
async fn make_due(
    connection: &mut HeldConnection,
    wanted: Selection<'_>,
    mut page: Page,
) -> Result<(Due, Option<i64>), sqlx::Error> {
    let connection = connection.get().await?;
    let until = options::longest_standing_back(page.now);
    let not_due = sql::not_due(connection, wanted, until, page).await?;
    if let Some(last) = not_due.last().filter(|_| not_due.len() as i64 == PAGE) {
        page.up_to = last.id;
    }
    let again = sql::again(connection, wanted, page).await?;
    if let Some(last) = again.last.filter(|_| again.recipients == PAGE) {
        page.up_to = last;
    }
    let of_page = not_due.iter().filter(|one| one.id <= page.up_to);
    let standing_back = of_page.filter(|one| stands_back(one, page.now));
    let ids: Vec<i64> = standing_back.map(|one| one.id).collect();
    let next = (page.up_to != i64::MAX).then_some(page.up_to);
    if ids.is_empty() {
        return Ok((again, next));
    }
    let first = sql::first(connection, &ids, page.now).await?;
    let due = Due {
        recipients: again.recipients + first.recipients,
        // A message with recipients of both kinds is counted twice.
        messages: again.messages + first.messages,
        last: again.last.max(first.last),
    };
    Ok((due, next))
}

fn stands_back(recipient: &NotDue, now: i64) -> bool {
    options::stands_back(recipient.options.as_deref(), recipient.released_at, now)
}
