//! FETCH: stored values of messages, streamed by UID.
//!
//! The requested items decide which tables are read. Flags, dates and sizes come from the mailbox's rows.
//! ENVELOPE, structures and headers come from the body's row. Only whole messages read the text (I13).

mod query;
mod response;

#[cfg(test)]
mod tests;

use std::time::Duration;

use api::mailbox::v1::FetchResponse;
use futures::TryStreamExt;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendTimeoutError;

use self::query::Row;
use self::response::Batch;
use crate::Result;
use crate::mailboxes::lock;
use crate::store::Store;
use crate::values::UidSet;

/// Maximum size of a message sent whole, whatever the caller's limit: an answer stays well below gRPC's limit
/// of 4 MiB.
const LARGEST_WHOLE: u64 = 2 * 1024 * 1024;

/// How long a query waits for its reader. After that it ends, and is made again from the same position when
/// the reader continues: a slow reader holds no connection (I7).
const READER_TIMEOUT: Duration = Duration::from_millis(500);

/// Answers prepared ahead of the reader.
const READY: usize = 4;

/// Requested items, in addition to UID and MODSEQ.
#[derive(Debug, Clone, Default)]
pub struct FetchItems {
    /// Flags.
    pub flags: bool,
    /// The internal date.
    pub internal_date: bool,
    /// Octets of prefix, header and text.
    pub size: bool,
    /// ENVELOPE.
    pub envelope: bool,
    /// BODYSTRUCTURE.
    pub body_structure: bool,
    /// BODY.
    pub body: bool,
    /// The table of parts.
    pub parts: bool,
    /// Prefix and header section.
    pub header: bool,
    /// Whole messages up to this size.
    pub content_up_to: u64,
    /// Only messages with a MODSEQ above this.
    pub changed_since: u64,
}

impl FetchItems {
    fn summary(&self) -> bool {
        self.envelope || self.body_structure || self.body || self.parts
    }

    fn largest_whole(&self) -> u64 {
        self.content_up_to.min(LARGEST_WHOLE)
    }
}

/// Messages by ascending UID, in batches. Missing UIDs are left out.
pub fn fetch(
    store: Store,
    mailbox_id: i64,
    uids: UidSet,
    wanted: FetchItems,
) -> mpsc::Receiver<Result<FetchResponse>> {
    fetch_with(store, mailbox_id, uids, wanted, READER_TIMEOUT)
}

fn fetch_with(
    store: Store,
    mailbox_id: i64,
    uids: UidSet,
    wanted: FetchItems,
    reader_timeout: Duration,
) -> mpsc::Receiver<Result<FetchResponse>> {
    let (answers, reader) = mpsc::channel(READY);
    let fetch = Fetch {
        store,
        mailbox_id,
        wanted,
        reader_timeout,
        answers,
    };
    tokio::spawn(async move {
        let unread = fetch.answers.clone();
        let ended = tokio::select! {
            ended = fetch.run(uids) => ended,
            // Ends at any point once the reader has gone.
            () = unread.closed() => return,
        };
        if let Err(error) = ended {
            fetch.answers.send(Err(error)).await.ok();
        }
    });
    reader
}

/// A running FETCH.
struct Fetch {
    store: Store,
    mailbox_id: i64,
    wanted: FetchItems,
    reader_timeout: Duration,
    answers: mpsc::Sender<Result<FetchResponse>>,
}

/// How a query ended.
enum End {
    /// After its last row, if it had any.
    Complete { found: bool },
    /// Early: continue after this UID.
    Early(u32),
    /// The reader has gone.
    Unread,
}

impl Fetch {
    async fn run(&self, uids: UidSet) -> Result<()> {
        let mut rest = uids;
        let mut resumed = false;
        while !rest.is_empty() {
            match self.one_query(&rest).await? {
                End::Early(uid) => rest = rest.behind(uid),
                End::Complete { found } if found || resumed => return Ok(()),
                // No rows may mean that the mailbox is gone.
                End::Complete { .. } => break,
                End::Unread => return Ok(()),
            }
            resumed = true;
        }
        if resumed {
            return Ok(());
        }
        let mut connection = self.store.pool().acquire().await?;
        lock::exists(&mut connection, self.mailbox_id).await
    }

    async fn one_query(&self, uids: &UidSet) -> Result<End> {
        // The next query waits for a new turn: nobody has to wait for everything that another session
        // requests.
        let turn = self.store.turn_of_owner(self.mailbox_id).await?;
        let (mut rows, most) = query::rows(self.store.pool(), self.mailbox_id, uids, &self.wanted);
        let mut batch = Batch::default();
        let (mut found, mut last) = (0, 0);
        while let Some(row) = rows.try_next().await? {
            found += 1;
            let uid = row.uid();
            last = uid;
            if let Some(chunked) = batch.push(row, &self.wanted)? {
                // The text needs queries of its own. A reader never holds two connections at once, or readers
                // could deadlock.
                drop(rows);
                batch.complete(chunked, &self.store).await?;
                // A client that reads slowly holds no turn of its user.
                drop(turn);
                let sent = self.answers.send(Ok(batch.into_answer())).await;
                return Ok(sent.map_or(End::Unread, |()| End::Early(uid)));
            }
            if !batch.is_full() {
                continue;
            }
            let answer = std::mem::take(&mut batch).into_answer();
            match self
                .answers
                .send_timeout(Ok(answer), self.reader_timeout)
                .await
            {
                Ok(()) => {}
                Err(SendTimeoutError::Closed(_)) => return Ok(End::Unread),
                Err(SendTimeoutError::Timeout(answer)) => {
                    drop((rows, turn));
                    let sent = self.answers.send(answer).await;
                    return Ok(sent.map_or(End::Unread, |()| End::Early(uid)));
                }
            }
        }
        drop((rows, turn));
        if !batch.is_empty() {
            self.answers.send(Ok(batch.into_answer())).await.ok();
        }
        Ok(if found == most {
            End::Early(last)
        } else {
            End::Complete { found: found > 0 }
        })
    }
}
