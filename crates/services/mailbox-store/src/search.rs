//! SEARCH (RFC 9051 §6.4.4).
//!
//! Keys that the mailbox's rows can answer are evaluated in SQL. Keys about headers and texts are evaluated
//! here, for the remaining messages: first with the header, and with the text only if the header does not
//! decide. The text is decoded piece by piece and never held as a whole (I7).
//!
//! A search may take minutes in a large mailbox. It therefore runs in slices; between them others have their
//! turn, and a caller that has gone is noticed. The number of concurrent searches is bounded.

mod candidates;
mod evaluate;
mod fold;
mod key;
mod sql;
mod text;

#[cfg(test)]
mod tests;

use std::time::Duration;

use api::mailbox::v1::SearchResponse;
use tokio::time::Instant;

pub use key::Key;

use self::evaluate::{Known, evaluate};
use crate::mailboxes::lock;
use crate::store::Store;
use crate::values::{narrow, unsigned};
use crate::{Error, Result};

/// How long contents are searched for one request.
pub const SLICE: Duration = Duration::from_secs(1);

/// A search.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The mailbox.
    pub mailbox_id: i64,
    /// The search key.
    pub key: &'a Key,
    /// Only UIDs above this one.
    pub after: i64,
    /// The time from which the ages of messages are counted.
    pub now: i64,
    /// How long contents are searched, at least one message; then the caller continues or stops.
    pub slice: Duration,
}

/// Messages of the mailbox that match.
pub async fn search(store: &Store, search: Search<'_>) -> Result<SearchResponse> {
    let Search {
        mailbox_id, key, ..
    } = search;
    let (found, looked_at_to) = if key.needs_content() {
        by_content(store, search).await?
    } else {
        (sql::matching(store.pool(), search).await?, None)
    };
    if found.is_empty() && looked_at_to.is_none() {
        // No rows may mean that the mailbox is gone.
        let mut connection = store.pool().acquire().await.map_err(Error::from)?;
        lock::exists(&mut connection, mailbox_id).await?;
    }
    let highest = found.iter().map(|(_, modseq)| *modseq).max().unwrap_or(0);
    Ok(SearchResponse {
        uids: found.iter().map(|(uid, _)| narrow(*uid)).collect(),
        looked_at_to: looked_at_to.map_or(0, narrow),
        highest_modseq: if key.names_modseq() {
            unsigned(highest)
        } else {
            0
        },
    })
}

/// UIDs with their MODSEQs.
type Matches = Vec<(i64, i64)>;

/// Matches, and the last UID searched if the time did not suffice for all.
async fn by_content(store: &Store, mut search: Search<'_>) -> Result<(Matches, Option<i64>)> {
    let Search { key, now, .. } = search;
    let _turn = store.search_turn().await;
    let ends = Instant::now() + search.slice;
    let needles = key.needles();
    let mut found = Matches::new();
    loop {
        let page = candidates::page(store.pool(), search).await?;
        if page.is_empty() {
            return Ok((found, None));
        }
        for candidate in page {
            let known = Known {
                candidate: &candidate,
                now,
                in_text: None,
            };
            let matches = match evaluate(key, &known) {
                Some(decided) => decided,
                None => {
                    let in_text = text::find(store.pool(), &candidate, &needles).await?;
                    let known = Known {
                        in_text: Some(&in_text),
                        ..known
                    };
                    evaluate(key, &known).unwrap_or(false)
                }
            };
            if matches {
                found.push((candidate.uid, candidate.modseq));
            }
            search.after = candidate.uid;
            if Instant::now() >= ends {
                return Ok((found, Some(search.after)));
            }
        }
    }
}
