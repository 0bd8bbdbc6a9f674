//! Bob's INBOX.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use api::grpc::{Request, Response, Status, Streaming, async_trait};
use api::mailbox::v1::mailbox_store_server::MailboxStore;
use api::mailbox::v1::*;
use api::message::v1::{Chunk, StoredText};
use futures::stream::{self, Stream, StreamExt as _};

use super::{Shared, State};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Pieces that messages are sent in.
const PIECE: usize = 1000;

fn no<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not part of the fake"))
}

fn contains(ranges: &[UidRange], uid: u32) -> bool {
    ranges
        .iter()
        .any(|range| (range.first..=range.last).contains(&uid))
}

/// Frees the maildrop when the stream that holds it is dropped.
struct Held(Arc<Mutex<State>>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.lock().unwrap().locked = false;
    }
}

#[async_trait]
impl MailboxStore for Shared {
    type DeliverStream = Answers<DeliverResponse>;
    type SelectStream = Answers<SelectResponse>;
    type WatchStream = Answers<WatchResponse>;
    type FetchStream = Answers<FetchResponse>;
    type ReadMessageStream = Answers<Chunk>;
    type LockMaildropStream = Answers<LockMaildropResponse>;

    async fn lock_maildrop(
        &self,
        _: Request<LockMaildropRequest>,
    ) -> Result<Response<Self::LockMaildropStream>, Status> {
        let mut state = self.0.lock().unwrap();
        if std::mem::replace(&mut state.locked, true) {
            return Err(Status::failed_precondition("held"));
        }
        let held = Held(Arc::clone(&self.0));
        let first = LockMaildropResponse {
            inbox: Some(MailboxState {
                mailbox_id: 10,
                uid_validity: 77,
                ..MailboxState::default()
            }),
        };
        let rest = stream::pending().map(move |never| {
            let _held = &held;
            never
        });
        Ok(Response::new(Box::pin(
            stream::iter([Ok(first)]).chain(rest),
        )))
    }

    async fn fetch(
        &self,
        request: Request<FetchRequest>,
    ) -> Result<Response<Self::FetchStream>, Status> {
        let request = request.into_inner();
        let state = self.0.lock().unwrap();
        let wanted = state
            .messages
            .iter()
            .filter(|(uid, _)| contains(&request.uids, **uid));
        let batches: Vec<_> = wanted
            .map(|(&uid, bytes)| {
                let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
                let header = bytes[..end.map_or(bytes.len(), |end| end + 4)].to_vec();
                Ok(FetchResponse {
                    messages: vec![FetchedMessage {
                        uid,
                        size: if request.size { bytes.len() as u64 } else { 0 },
                        header: if request.header {
                            header.into()
                        } else {
                            Default::default()
                        },
                        ..FetchedMessage::default()
                    }],
                })
            })
            .collect();
        Ok(Response::new(Box::pin(stream::iter(batches))))
    }

    async fn read_message(
        &self,
        request: Request<ReadMessageRequest>,
    ) -> Result<Response<Self::ReadMessageStream>, Status> {
        let request = request.into_inner();
        let mut state = self.0.lock().unwrap();
        state.reads.push((request.offset, request.length));
        let bytes = state
            .messages
            .get(&request.uid)
            .ok_or_else(|| Status::not_found("gone"))?;
        let start = bytes.len().min(request.offset as usize);
        let end = match request.length {
            0 => bytes.len(),
            length => bytes.len().min(start + length as usize),
        };
        let pieces = bytes[start..end].chunks(PIECE).map(|piece| {
            Ok(Chunk {
                data: piece.to_vec().into(),
                last: false,
            })
        });
        let mut pieces: Vec<_> = pieces.collect();
        if let Some(after) = state.break_after {
            pieces.truncate(after / PIECE);
            pieces.push(Err(Status::unavailable("broken")));
        }
        Ok(Response::new(Box::pin(stream::iter(pieces))))
    }

    async fn store_flags(
        &self,
        request: Request<StoreFlagsRequest>,
    ) -> Result<Response<StoreFlagsResponse>, Status> {
        let request = request.into_inner();
        assert_eq!(request.flags.unwrap().system, 8);
        let mut state = self.0.lock().unwrap();
        if state.down {
            return Err(Status::unavailable("down"));
        }
        let uids: Vec<u32> = state.messages.keys().copied().collect();
        let marked = uids.into_iter().filter(|&uid| contains(&request.uids, uid));
        state.marked.extend(marked.collect::<Vec<_>>());
        Ok(Response::new(StoreFlagsResponse::default()))
    }

    async fn expunge(
        &self,
        request: Request<ExpungeRequest>,
    ) -> Result<Response<ExpungeResponse>, Status> {
        let request = request.into_inner();
        let mut state = self.0.lock().unwrap();
        let marked = std::mem::take(&mut state.marked);
        state
            .messages
            .retain(|uid, _| !(marked.contains(uid) && contains(&request.uids, *uid)));
        Ok(Response::new(ExpungeResponse::default()))
    }

    async fn deliver(
        &self,
        _: Request<Streaming<DeliverRequest>>,
    ) -> Result<Response<Self::DeliverStream>, Status> {
        no()
    }
    async fn list_mailboxes(
        &self,
        _: Request<ListMailboxesRequest>,
    ) -> Result<Response<ListMailboxesResponse>, Status> {
        no()
    }
    async fn create_mailbox(
        &self,
        _: Request<CreateMailboxRequest>,
    ) -> Result<Response<Mailbox>, Status> {
        no()
    }
    async fn delete_mailbox(
        &self,
        _: Request<DeleteMailboxRequest>,
    ) -> Result<Response<DeleteMailboxResponse>, Status> {
        no()
    }
    async fn rename_mailbox(
        &self,
        _: Request<RenameMailboxRequest>,
    ) -> Result<Response<RenameMailboxResponse>, Status> {
        no()
    }
    async fn set_subscribed(
        &self,
        _: Request<SetSubscribedRequest>,
    ) -> Result<Response<SetSubscribedResponse>, Status> {
        no()
    }
    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        no()
    }
    async fn select(
        &self,
        _: Request<SelectRequest>,
    ) -> Result<Response<Self::SelectStream>, Status> {
        no()
    }
    async fn get_changes(
        &self,
        _: Request<GetChangesRequest>,
    ) -> Result<Response<GetChangesResponse>, Status> {
        no()
    }
    async fn watch(
        &self,
        _: Request<Streaming<WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        no()
    }
    async fn search(&self, _: Request<SearchRequest>) -> Result<Response<SearchResponse>, Status> {
        no()
    }
    async fn store_text(
        &self,
        _: Request<Streaming<Chunk>>,
    ) -> Result<Response<StoredText>, Status> {
        no()
    }
    async fn append(&self, _: Request<AppendRequest>) -> Result<Response<AppendResponse>, Status> {
        no()
    }
    async fn copy(&self, _: Request<CopyRequest>) -> Result<Response<CopyResponse>, Status> {
        no()
    }
    async fn r#move(&self, _: Request<CopyRequest>) -> Result<Response<CopyResponse>, Status> {
        no()
    }
}
