//! SEARCH (RFC 9051 §6.4.4).
//!
//! What the mailbox's rows can answer is asked in SQL. Keys about headers and texts are decided
//! here, for the messages that SQL has left over: first with the header, and only where that does
//! not decide it, with the text, which is decoded piece by piece and never held as a whole (I7).

mod candidates;
mod evaluate;
mod fold;
mod key;
mod sql;
mod text;

#[cfg(test)]
mod tests;

use api::mailbox::v1::SearchResponse;

pub use key::Key;

use self::evaluate::{Known, evaluate};
use crate::mailboxes::lock;
use crate::store::Store;
use crate::values::{narrow, unsigned};
use crate::{Error, Result};

/// Messages of the mailbox that match. `now` is what the ages of messages are counted from.
pub async fn search(store: &Store, mailbox_id: i64, key: &Key, now: i64) -> Result<SearchResponse> {
    let found = if key.needs_content() {
        by_content(store, mailbox_id, key, now).await?
    } else {
        sql::matching(store.pool(), mailbox_id, key, now).await?
    };
    if found.is_empty() {
        // Nothing may mean that the mailbox is gone.
        let mut connection = store.pool().acquire().await.map_err(Error::from)?;
        lock::exists(&mut connection, mailbox_id).await?;
    }
    let highest = found.iter().map(|(_, modseq)| *modseq).max().unwrap_or(0);
    Ok(SearchResponse {
        uids: found.iter().map(|(uid, _)| narrow(*uid)).collect(),
        highest_modseq: if key.names_modseq() {
            unsigned(highest)
        } else {
            0
        },
    })
}

/// UIDs with their MODSEQs.
type Found = Vec<(i64, i64)>;

async fn by_content(store: &Store, mailbox_id: i64, key: &Key, now: i64) -> Result<Found> {
    let needles = key.needles();
    let mut found = Found::new();
    let mut after = 0;
    loop {
        let page = candidates::page(store.pool(), mailbox_id, key, now, after).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = last.uid;
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
        }
    }
}
