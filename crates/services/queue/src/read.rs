//! Reading messages: `ReadMessage`, `ReadBody`, `ListMessages`, `ShowMessage`, `GetStatistics`.

use std::sync::atomic::Ordering;

use api::message::v1::{Chunk, Summary};
use api::queue::v1::{
    Derivation, GetStatisticsResponse, HistoryEvent, ListMessagesRequest, ListMessagesResponse,
    ListQuarantinedRequest, ListQuarantinedResponse, Origin, Quarantined, QueuedMessage,
    QueuedRecipient, ReadBodyRequest, ReadMessageRequest, ShowMessageResponse,
};
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use prost::Message as _;
use sqlx::PgConnection;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::gateways;
use crate::options;
use crate::sql::{self, derivation, history, listing, quarantine};

const DEFAULT_PAGE: u32 = 100;
const LARGEST_PAGE: u32 = 1000;

/// Recipients shown per message in a listing; `ShowMessage` shows all.
const LISTED_RECIPIENTS: i64 = 100;

/// Derived messages shown of one message.
const MOST_CHILDREN: usize = 1_000;

/// Lines of one message's history: 10,000 recipients with a few attempts each.
const LARGEST_HISTORY: i64 = 50_000;

/// The octets of a message in the queue: prefix, header, text.
pub(crate) async fn read_message(
    engine: &Engine,
    request: &ReadMessageRequest,
) -> Result<BoxStream<'static, Result<Chunk>>> {
    let id = request.message_id;
    let found = async {
        let mut connection = engine.pool.acquire().await?;
        listing::bytes(&mut connection, id).await
    };
    let found = found.await.map_err(Error::Database)?;
    let (body_id, prefix) =
        found.ok_or_else(|| Error::not_found(format!("there is no message {id} in the queue")))?;
    let request = ReadBodyRequest {
        body_id,
        header_only: request.header_only,
    };
    let prefix = (!prefix.is_empty()).then(|| Ok(chunk(prefix.into())));
    let body = read_body(engine, &request);
    Ok(stream::iter(prefix).chain(body).boxed())
}

/// The octets of a body: header, then text.
pub(crate) fn read_body(
    engine: &Engine,
    request: &ReadBodyRequest,
) -> BoxStream<'static, Result<Chunk>> {
    let pool = engine.pool.clone();
    let id = request.body_id;
    if request.header_only {
        let header = async move { volume::header(&pool, id).await.map(|body| body.header) };
        return stream::once(header)
            .map_ok(chunk)
            .map_err(Error::from)
            .boxed();
    }
    volume::read(pool, id, 0..u64::MAX)
        .map_ok(chunk)
        .map_err(Error::from)
        .boxed()
}

fn chunk(data: Bytes) -> Chunk {
    Chunk { data, last: false }
}

/// A page of the queue, oldest first.
pub(crate) async fn list(
    engine: &Engine,
    request: &ListMessagesRequest,
) -> Result<ListMessagesResponse> {
    let limit = page(request.limit)?;
    let found = async {
        let mut connection = engine.pool.acquire().await?;
        let messages = listing::messages(
            &mut connection,
            request.after,
            limit,
            &request.sender,
            &request.recipient,
        )
        .await?;
        with_recipients(&mut connection, engine, messages, LISTED_RECIPIENTS).await
    };
    let messages = found.await.map_err(Error::Database)?;
    let next = next_page(&messages, limit);
    Ok(ListMessagesResponse { messages, next })
}

/// A page of the quarantine, oldest first.
pub(crate) async fn list_quarantined(
    engine: &Engine,
    request: &ListQuarantinedRequest,
) -> Result<ListQuarantinedResponse> {
    let limit = page(request.limit)?;
    let wanted = quarantine::QuarantineQuery {
        after: request.after,
        limit,
        sender: &request.sender,
        recipient: &request.recipient,
        reason: &request.reason,
    };
    let found = async {
        let mut connection = engine.pool.acquire().await?;
        let messages = quarantine::list(&mut connection, &wanted).await?;
        with_recipients(&mut connection, engine, messages, LISTED_RECIPIENTS).await
    };
    let messages = found.await.map_err(Error::Database)?;
    let next = next_page(&messages, limit);
    Ok(ListQuarantinedResponse { messages, next })
}

/// The message after which the next page begins; 0 if this is the last page.
fn next_page(messages: &[QueuedMessage], limit: i64) -> i64 {
    match messages.last() {
        Some(last) if messages.len() as i64 == limit => last.message_id,
        _ => 0,
    }
}

/// One message and its history.
pub(crate) async fn show(engine: &Engine, message_id: i64) -> Result<ShowMessageResponse> {
    // A recipient's id must not overflow.
    if !(1..=sql::LARGEST_MESSAGE_ID).contains(&message_id) {
        return Err(Error::not_found(format!(
            "there is no message {message_id}"
        )));
    }
    let found = async {
        let mut connection = engine.pool.acquire().await?;
        let message = listing::message(&mut connection, message_id).await?;
        let message = message.into_iter().collect();
        let mut messages =
            with_recipients(&mut connection, engine, message, i64::from(u16::MAX)).await?;
        let events = history::of_message(&mut connection, message_id, LARGEST_HISTORY).await?;
        let ties =
            derivation::of_message(&mut connection, message_id, MOST_CHILDREN as i64 + 2).await?;
        Ok((messages.pop(), events, ties))
    };
    let (message, events, ties) = found.await.map_err(Error::Database)?;
    if message.is_none() && events.is_empty() {
        return Err(Error::not_found(format!(
            "there is no message {message_id}"
        )));
    }
    // The query returns up to one child more than are shown, besides the parent.
    let (parents, mut children): (Vec<_>, Vec<_>) = ties
        .into_iter()
        .map(tie)
        .partition(|tie| tie.message_id == message_id);
    let more_children = children.len() > MOST_CHILDREN;
    children.truncate(MOST_CHILDREN);
    Ok(ShowMessageResponse {
        message,
        history: events.into_iter().map(history_event).collect(),
        parent: parents.into_iter().next(),
        children,
        more_children,
    })
}

fn tie(tie: derivation::Derivation) -> Derivation {
    Derivation {
        at_ms: tie.at,
        message_id: tie.message_id,
        parent_id: tie.parent_id,
        kind: i32::from(tie.kind),
        recipient_ids: tie.recipient_ids,
    }
}

/// Counts for `postern status`.
pub(crate) async fn statistics(engine: &Engine) -> Result<GetStatisticsResponse> {
    let now = engine.clock.now();
    let counts = async {
        let mut connection = engine.pool.acquire().await?;
        let counts = listing::counts(&mut connection, now).await?;
        Ok((counts, gateways::states(&mut connection).await?))
    };
    let (counts, gateways) = counts.await.map_err(Error::Database)?;
    Ok(GetStatisticsResponse {
        messages: unsigned(counts.messages),
        recipients: unsigned(counts.recipients),
        due: unsigned(counts.due),
        leased: unsigned(counts.leased),
        oldest_due_ms: counts.oldest_due.map_or(0, |oldest| unsigned(now - oldest)),
        workers: u32::try_from(engine.workers.count()).unwrap_or(u32::MAX),
        enqueued: engine.enqueued.load(Ordering::Relaxed),
        completed: engine.completed.load(Ordering::Relaxed),
        quarantined: unsigned(counts.quarantined),
        worker_states: engine.workers.states(),
        gateways,
    })
}

async fn with_recipients(
    connection: &mut PgConnection,
    engine: &Engine,
    messages: Vec<listing::Message>,
    limit: i64,
) -> Result<Vec<QueuedMessage>, sqlx::Error> {
    let ids: Vec<i64> = messages.iter().map(|message| message.id).collect();
    let recipients = listing::recipients(connection, &ids, limit).await?;
    let now = engine.clock.now();
    let mut recipients = recipients.into_iter().peekable();
    let mut queued = Vec::with_capacity(messages.len());
    for message in messages {
        let mut message = queued_message(message);
        while let Some(recipient) =
            recipients.next_if(|next| sql::message_id(next.id) == message.message_id)
        {
            let came = message.received_at_ms;
            message
                .recipients
                .push(queued_recipient(recipient, came, now));
        }
        queued.push(message);
    }
    Ok(queued)
}

fn queued_message(message: listing::Message) -> QueuedMessage {
    QueuedMessage {
        message_id: message.id,
        reverse_path: message.reverse_path,
        size: unsigned(message.size),
        received_at_ms: message.received_at,
        options: options::decode(message.options.as_deref()),
        released_at_ms: message.released_at,
        recipients: Vec::new(),
        // This program wrote it; a message that cannot be decoded is listed all the same.
        origin: Origin::decode(&*message.origin).ok(),
        subject: Summary::decode(&*message.summary)
            .map(|summary| summary.subject)
            .unwrap_or_default(),
        quarantine: message.quarantine.map(|reason| Quarantined {
            reason,
            until_ms: message.quarantined_until.unwrap_or_default(),
        }),
    }
}

fn queued_recipient(recipient: listing::Recipient, came: i64, now: i64) -> QueuedRecipient {
    // An urgent message is due before it arrived (see `options`), which would confuse readers.
    let due_at_ms = recipient.due_at.max(came);
    QueuedRecipient {
        recipient_id: recipient.id,
        address: recipient.address,
        attempts: u32::try_from(recipient.attempts).unwrap_or(0),
        due_at_ms,
        leased: recipient.leased && recipient.due_at > now,
        last_reason: recipient.last_reason,
    }
}

pub(crate) fn history_event(event: history::Event) -> HistoryEvent {
    HistoryEvent {
        at_ms: event.at,
        recipient_id: event.recipient_id,
        address: event.address,
        reverse_path: event.reverse_path,
        outcome: i32::from(event.outcome),
        reason: event.reason,
        server: event.server,
        reply: event.reply,
        policy_revision: unsigned(event.policy_revision),
        worker: event.worker,
        session: event.session.unwrap_or_default(),
    }
}

pub(crate) fn page(limit: u32) -> Result<i64> {
    match limit {
        0 => Ok(i64::from(DEFAULT_PAGE)),
        1..=LARGEST_PAGE => Ok(i64::from(limit)),
        _ => Err(Error::invalid(format!(
            "limit is {limit}; at most {LARGEST_PAGE} are listed at a time"
        ))),
    }
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
