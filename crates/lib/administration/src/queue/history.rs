//! The history: each attempt, outcome and decision, searchable by address, time and message.

use api::queue::v1::{HistoryEvent, Outcome, SearchHistoryRequest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::listing::Pages;
use crate::{Administration, Deadline, Error, Listing, time};

/// A line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The time.
    pub at: Option<Timestamp>,
    /// Number of the message.
    pub message: i64,
    /// The id given at acceptance.
    pub id: String,
    /// The reverse-path; empty for the null sender.
    pub sender: String,
    /// The recipient's address.
    pub recipient: String,
    /// The outcome: `delivered`, `relayed`, `bounced`, `discarded`, `removed`, `put off`, `quarantined`,
    /// `released`, `forwarded`, `expanded to its members`, or `unknown` to this version.
    pub outcome: &'static str,
    /// The reason.
    pub reason: String,
    /// The other server.
    pub server: String,
    /// Its reply.
    pub reply: String,
    /// The policy's revision that was in force.
    pub policy_revision: u64,
    /// The worker that recorded it.
    pub worker: String,
}

impl From<HistoryEvent> for Event {
    fn from(event: HistoryEvent) -> Self {
        Self {
            at: time(event.at_ms),
            // A recipient's number begins with the number of its message.
            message: event.recipient_id >> 14,
            outcome: outcome(event.outcome()),
            id: event.session,
            sender: event.reverse_path,
            recipient: event.address,
            reason: event.reason,
            server: event.server,
            reply: event.reply,
            policy_revision: event.policy_revision,
            worker: event.worker,
        }
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unspecified => "unknown",
        Outcome::Delivered => "delivered",
        Outcome::Relayed => "relayed",
        Outcome::Bounced => "bounced",
        Outcome::Discarded => "discarded",
        Outcome::Removed => "removed",
        Outcome::Retry => "put off",
        Outcome::Quarantined => "quarantined",
        Outcome::Released => "released",
        Outcome::Forwarded => "forwarded",
        Outcome::Expanded => "expanded to its members",
    }
}

/// Filter for lines of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryFilter {
    /// Only those to this address, or to addresses that contain this.
    pub recipient: String,
    /// Only those from this address, or from addresses that contain this.
    pub sender: String,
    /// The earliest time.
    pub since: Option<Timestamp>,
    /// Only those of this message.
    pub message: Option<i64>,
    /// Maximum number of entries.
    pub limit: usize,
}

/// Lines of the history, the newest first.
///
/// # Errors
/// If the queue does not answer.
pub async fn history(
    administration: &Administration,
    filter: &HistoryFilter,
) -> Result<Listing<Event>, Error> {
    let mut client = administration.system().queue(Deadline::Search)?;
    let mut pages = Pages::of(filter.limit);
    while let Some((after, limit)) = pages.next_page() {
        let request = SearchHistoryRequest {
            actor: administration.asking(),
            after,
            limit,
            sender: filter.sender.clone(),
            recipient: filter.recipient.clone(),
            since_ms: filter.since.map_or(0, Timestamp::as_millisecond),
            message_id: filter.message.unwrap_or(0),
        };
        let page = client.search_history(request).await;
        let page = page.map_err(|status| Error::call("the queue", &status))?;
        let page = page.into_inner();
        pages.add(page.events.into_iter().map(Event::from), page.next);
    }
    Ok(pages.listing())
}
