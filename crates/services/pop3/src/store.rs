//! Calls to mailbox-store.

use std::time::Duration;

use api::actor::v1::Actor;
use api::directory::v1::directory_client::DirectoryClient;
use api::grpc::{Channel, Code, Response, Status, Streaming};
use api::mailbox::v1::mailbox_store_client::MailboxStoreClient;
use api::mailbox::v1::store_flags_request::Mode;
use api::mailbox::v1::{
    ExpungeRequest, FetchRequest, Flags, LockMaildropRequest, LockMaildropResponse,
    ReadMessageRequest, StoreFlagsRequest, UidRange,
};
use api::message::v1::Chunk;
use bytes::Bytes;
use pop3_protocol::server::{Maildrop, MaildropMessage};

/// Timeout of a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Larger than any answer: a header of 128 KiB, or a batch of them.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Bit of `Flags.system`: `\Deleted`.
const DELETED: u32 = 8;

/// Maximum number of UIDs in one request of a deletion.
const BATCH: usize = 10_000;

/// A client of mailbox-store.
#[derive(Clone)]
pub(crate) struct Store {
    mailboxes: MailboxStoreClient<Channel>,
    directory: DirectoryClient<Channel>,
}

/// Exclusive access to an INBOX while this lives (RFC 1939 §4).
pub(crate) struct Lock {
    /// The user who holds it.
    actor: Actor,
    mailbox_id: i64,
    held: Streaming<LockMaildropResponse>,
}

impl Lock {
    /// Waits until the lock is lost: mailbox-store has ended or is unreachable, and another session may get
    /// the maildrop.
    pub(crate) async fn lost(&mut self) {
        while let Ok(Some(_)) = self.held.message().await {}
    }

    /// Whether the lock is known to be lost.
    pub(crate) async fn is_lost(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.lost() => true,
            () = std::future::ready(()) => false,
        }
    }
}

impl Store {
    pub(crate) fn new(channel: Channel) -> Self {
        Self {
            mailboxes: MailboxStoreClient::new(channel.clone())
                .max_decoding_message_size(LARGEST_ANSWER),
            directory: DirectoryClient::new(channel),
        }
    }

    /// The directory.
    pub(crate) fn directory(&self) -> DirectoryClient<Channel> {
        self.directory.clone()
    }

    /// Locks the user's INBOX and lists its messages. `FailedPrecondition` if another session has it.
    pub(crate) async fn open(&self, actor: Actor) -> Result<(Lock, Maildrop), Status> {
        let mut mailboxes = self.mailboxes.clone();
        let request = LockMaildropRequest {
            actor: Some(actor.clone()),
        };
        let mut held = patiently(mailboxes.lock_maildrop(request)).await?;
        let first = next(&mut held).await?;
        let inbox = first
            .and_then(|response| response.inbox)
            .ok_or_else(|| Status::internal("the lock came without the mailbox's state"))?;
        let lock = Lock {
            actor,
            mailbox_id: inbox.mailbox_id,
            held,
        };
        let messages = self.messages(&lock).await?;
        Ok((lock, Maildrop::new(inbox.uid_validity, messages)))
    }

    async fn messages(&self, lock: &Lock) -> Result<Vec<MaildropMessage>, Status> {
        let mut mailboxes = self.mailboxes.clone();
        let request = FetchRequest {
            actor: Some(lock.actor.clone()),
            mailbox_id: lock.mailbox_id,
            uids: vec![UidRange {
                first: 1,
                last: u32::MAX,
            }],
            size: true,
            ..FetchRequest::default()
        };
        let mut batches = patiently(mailboxes.fetch(request)).await?;
        let mut messages = Vec::new();
        while let Some(batch) = next(&mut batches).await? {
            messages.extend(batch.messages.into_iter().map(|message| MaildropMessage {
                uid: message.uid,
                size: message.size,
            }));
        }
        Ok(messages)
    }

    /// A message's header, including the empty line; `None` if the message is gone.
    pub(crate) async fn header(&self, lock: &Lock, uid: u32) -> Result<Option<Bytes>, Status> {
        let mut mailboxes = self.mailboxes.clone();
        let request = FetchRequest {
            actor: Some(lock.actor.clone()),
            mailbox_id: lock.mailbox_id,
            uids: vec![UidRange {
                first: uid,
                last: uid,
            }],
            header: true,
            ..FetchRequest::default()
        };
        let mut batches = patiently(mailboxes.fetch(request)).await?;
        while let Some(batch) = next(&mut batches).await? {
            if let Some(message) = batch.messages.into_iter().next() {
                return Ok(Some(message.header));
            }
        }
        Ok(None)
    }

    /// A message's octets from `offset` on: `length` of them, or all if it is 0.
    pub(crate) async fn read(
        &self,
        lock: &Lock,
        uid: u32,
        offset: u64,
        length: u64,
    ) -> Result<Octets, Status> {
        let mut mailboxes = self.mailboxes.clone();
        let request = ReadMessageRequest {
            actor: Some(lock.actor.clone()),
            mailbox_id: lock.mailbox_id,
            uid,
            offset,
            length,
        };
        let chunks = patiently(mailboxes.read_message(request)).await?;
        Ok(Octets { chunks })
    }

    /// Deletes messages. Messages that are gone already are no error.
    pub(crate) async fn delete(&self, lock: &Lock, uids: &[u32]) -> Result<(), Status> {
        let mut mailboxes = self.mailboxes.clone();
        for batch in uids.chunks(BATCH) {
            let uids = ranges(batch);
            let mark = StoreFlagsRequest {
                actor: Some(lock.actor.clone()),
                mailbox_id: lock.mailbox_id,
                uids: uids.clone(),
                mode: Mode::Add.into(),
                flags: Some(Flags {
                    system: DELETED,
                    keywords: Vec::new(),
                }),
                unchanged_since: None,
            };
            patiently(mailboxes.store_flags(mark)).await?;
            let expunge = ExpungeRequest {
                actor: Some(lock.actor.clone()),
                mailbox_id: lock.mailbox_id,
                uids,
            };
            patiently(mailboxes.expunge(expunge)).await?;
        }
        Ok(())
    }
}

/// A message's octets, as a stream.
pub(crate) struct Octets {
    chunks: Streaming<Chunk>,
}

impl Octets {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        Ok(next(&mut self.chunks).await?.map(|chunk| chunk.data))
    }
}

async fn patiently<T>(
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Status> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(response) => response.map(Response::into_inner),
        Err(_) => Err(too_late()),
    }
}

async fn next<T>(stream: &mut Streaming<T>) -> Result<Option<T>, Status> {
    match tokio::time::timeout(CALL_TIMEOUT, stream.message()).await {
        Ok(message) => message,
        Err(_) => Err(too_late()),
    }
}

fn too_late() -> Status {
    Status::new(
        Code::DeadlineExceeded,
        "mailbox-store took too long to answer",
    )
}

/// Ascending UIDs as ranges.
fn ranges(uids: &[u32]) -> Vec<UidRange> {
    let mut ranges: Vec<UidRange> = Vec::new();
    for &uid in uids {
        match ranges.last_mut() {
            Some(range) if range.last.checked_add(1) == Some(uid) => range.last = uid,
            _ => ranges.push(UidRange {
                first: uid,
                last: uid,
            }),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_range() {
        let of = |uids: &[u32]| -> Vec<(u32, u32)> {
            let ranges = ranges(uids);
            ranges
                .iter()
                .map(|range| (range.first, range.last))
                .collect()
        };
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[3, 4, 5, 9]), [(3, 5), (9, 9)]);
        assert_eq!(of(&[u32::MAX - 1, u32::MAX]), [(u32::MAX - 1, u32::MAX)]);
    }
}
