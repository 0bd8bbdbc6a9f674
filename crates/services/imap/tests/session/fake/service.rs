//! The store's calls.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::atomic::Ordering;

use api::grpc::{Request, Response, Status, Streaming, async_trait};
use api::mailbox::v1::mailbox_store_server::MailboxStore;
use api::mailbox::v1::store_flags_request::Mode;
use api::mailbox::v1::*;
use api::message::v1::{Chunk, StoredText, content::Text};
use futures::stream::{self, Empty, Stream, StreamExt as _};

use super::mailbox::{FakeMailbox, Message};
use super::search::holds;
use super::{BREAK, Store};

type Answer<T> = Result<Response<T>, Status>;
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[async_trait]
impl MailboxStore for Store {
    type DeliverStream = Empty<Result<DeliverResponse, Status>>;
    type SelectStream = Answers<SelectResponse>;
    type WatchStream = Answers<WatchResponse>;
    type FetchStream = Answers<FetchResponse>;
    type ReadMessageStream = Answers<Chunk>;
    type LockMaildropStream = Empty<Result<LockMaildropResponse, Status>>;

    async fn list_mailboxes(
        &self,
        _: Request<ListMailboxesRequest>,
    ) -> Answer<ListMailboxesResponse> {
        self.called()?;
        let mut mailboxes: Vec<_> = self.mailboxes().iter().map(FakeMailbox::listed).collect();
        mailboxes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Response::new(ListMailboxesResponse { mailboxes }))
    }

    async fn create_mailbox(&self, request: Request<CreateMailboxRequest>) -> Answer<Mailbox> {
        self.called()?;
        let request = request.into_inner();
        if self.change(&request.name, |_| ()).is_ok() {
            return Err(Status::already_exists(""));
        }
        self.create(&request.name, &request.special_use);
        self.change(&request.name, |mailbox| {
            mailbox.subscribed = false;
            Response::new(mailbox.listed())
        })
    }

    async fn delete_mailbox(
        &self,
        request: Request<DeleteMailboxRequest>,
    ) -> Answer<DeleteMailboxResponse> {
        self.called()?;
        let name = request.into_inner().name;
        let mailbox_id = self.change(&name, |mailbox| mailbox.id)?;
        self.drop_mailbox(&name);
        Ok(Response::new(DeleteMailboxResponse { mailbox_id }))
    }

    async fn rename_mailbox(
        &self,
        request: Request<RenameMailboxRequest>,
    ) -> Answer<RenameMailboxResponse> {
        self.called()?;
        let request = request.into_inner();
        self.change(&request.from, |mailbox| mailbox.name = request.to)?;
        Ok(Response::new(RenameMailboxResponse {}))
    }

    async fn set_subscribed(
        &self,
        request: Request<SetSubscribedRequest>,
    ) -> Answer<SetSubscribedResponse> {
        self.called()?;
        let request = request.into_inner();
        self.change(&request.name, |mailbox| {
            mailbox.subscribed = request.subscribed;
        })?;
        Ok(Response::new(SetSubscribedResponse {}))
    }

    async fn get_status(&self, request: Request<GetStatusRequest>) -> Answer<GetStatusResponse> {
        self.called()?;
        let names = request.into_inner().names;
        let state = |name: &String| self.change(name, |mailbox| mailbox.state());
        let states: Result<_, _> = names.iter().map(state).collect();
        Ok(Response::new(GetStatusResponse { states: states? }))
    }

    async fn select(&self, request: Request<SelectRequest>) -> Answer<Self::SelectStream> {
        self.called()?;
        let name = request.into_inner().name;
        let (state, mut messages) =
            self.change(&name, |mailbox| (mailbox.state(), mailbox.states()))?;
        let later = messages.split_off(messages.len().min(2));
        let first = SelectResponse {
            state: Some(state),
            messages,
            keywords: Vec::new(),
        };
        let rest = SelectResponse {
            state: None,
            messages: later,
            keywords: Vec::new(),
        };
        Ok(self.answers(vec![first, rest]))
    }

    async fn get_changes(&self, request: Request<GetChangesRequest>) -> Answer<GetChangesResponse> {
        self.called()?;
        let request = request.into_inner();
        let changes = |mailbox: &mut FakeMailbox| mailbox.changes(request.since_modseq);
        let changes = self.change_by_id(request.mailbox_id, changes);
        Ok(Response::new(changes.unwrap_or_else(|_| {
            GetChangesResponse {
                deleted: true,
                ..GetChangesResponse::default()
            }
        })))
    }

    async fn watch(&self, request: Request<Streaming<WatchRequest>>) -> Answer<Self::WatchStream> {
        struct Watching {
            store: Store,
            requests: Streaming<WatchRequest>,
            changes: tokio::sync::broadcast::Receiver<MailboxChange>,
            watched: HashSet<i64>,
        }
        let watching = Watching {
            store: self.clone(),
            requests: request.into_inner(),
            changes: self.changes.subscribe(),
            watched: HashSet::new(),
        };
        let notices = stream::unfold(watching, |mut watching| async {
            loop {
                tokio::select! {
                    request = watching.requests.message() => {
                        let request = request.ok().flatten()?;
                        for id in request.unwatch {
                            watching.watched.remove(&id);
                        }
                        // The present state is told at once, as the real store does.
                        let present = |&id: &i64| watching.store.present(id);
                        let watch: Vec<i64> =
                            request.watch.iter().map(|watched| watched.mailbox_id).collect();
                        let changes = watch.iter().map(present).collect();
                        watching.watched.extend(watch);
                        return Some((Ok(WatchResponse { changes }), watching));
                    }
                    change = watching.changes.recv() => {
                        let change = change.ok().filter(|change| *change != BREAK)?;
                        if watching.watched.contains(&change.mailbox_id) {
                            let response = WatchResponse { changes: vec![change] };
                            return Some((Ok(response), watching));
                        }
                    }
                }
            }
        });
        Ok(Response::new(notices.boxed()))
    }

    async fn fetch(&self, request: Request<FetchRequest>) -> Answer<Self::FetchStream> {
        self.called()?;
        if self.fetch_fails.load(Ordering::SeqCst) {
            return Err(Status::unavailable("down"));
        }
        let request = request.into_inner();
        let fetch = |mailbox: &mut FakeMailbox| mailbox.fetch(&request);
        let messages = self.change_by_id(request.mailbox_id, fetch)?;
        let batch = |messages: &[FetchedMessage]| FetchResponse {
            messages: messages.to_vec(),
        };
        Ok(self.answers(messages.chunks(2).map(batch).collect()))
    }

    async fn read_message(
        &self,
        request: Request<ReadMessageRequest>,
    ) -> Answer<Self::ReadMessageStream> {
        self.called()?;
        let request = request.into_inner();
        let octets = |mailbox: &mut FakeMailbox| {
            mailbox.messages.get(&request.uid).map(|m| m.octets.clone())
        };
        let octets = self
            .change_by_id(request.mailbox_id, octets)?
            .ok_or_else(|| Status::not_found("no such message"))?;
        let start = (request.offset as usize).min(octets.len());
        let end = match request.length {
            0 => octets.len(),
            length => (start + length as usize).min(octets.len()),
        };
        let chunk = |data: &[u8]| Chunk {
            data: data.to_vec().into(),
            last: false,
        };
        Ok(self.answers(octets[start..end].chunks(100_000).map(chunk).collect()))
    }

    async fn search(&self, request: Request<SearchRequest>) -> Answer<SearchResponse> {
        self.called()?;
        let request = request.into_inner();
        let key = request.key.unwrap();
        self.held_search().await;
        // One message at a time.
        let search = |mailbox: &mut FakeMailbox| {
            let mut messages = mailbox.messages.range(request.after + 1..);
            let looked_at = messages.next();
            let found = looked_at.filter(|(uid, message)| holds(&key, **uid, message));
            SearchResponse {
                uids: found.map(|(uid, _)| *uid).into_iter().collect(),
                highest_modseq: 0,
                looked_at_to: looked_at.map_or(0, |(uid, _)| *uid),
            }
        };
        let response = self.change_by_id(request.mailbox_id, search)?;
        Ok(Response::new(response))
    }

    async fn store_flags(&self, request: Request<StoreFlagsRequest>) -> Answer<StoreFlagsResponse> {
        self.called()?;
        let request = request.into_inner();
        let mode = request.mode();
        let flags = request.flags.unwrap_or_default();
        let store = |mailbox: &mut FakeMailbox| {
            let uids = mailbox.within(&request.uids);
            for &uid in &uids {
                let set = |message: &mut Message| apply(mode, &flags, &mut message.flags);
                let mut after = mailbox.messages[&uid].clone();
                set(&mut after);
                if after.flags != mailbox.messages[&uid].flags {
                    mailbox.update(uid, set);
                }
            }
            uids.iter().map(|&uid| mailbox.message_state(uid)).collect()
        };
        Ok(Response::new(StoreFlagsResponse {
            messages: self.change_by_id(request.mailbox_id, store)?,
            modified: Vec::new(),
        }))
    }

    async fn store_text(&self, request: Request<Streaming<Chunk>>) -> Answer<StoredText> {
        self.called()?;
        let mut chunks = request.into_inner();
        let mut text = Vec::new();
        while let Some(chunk) = chunks.message().await? {
            self.longest_piece
                .fetch_max(chunk.data.len(), Ordering::SeqCst);
            text.extend_from_slice(&chunk.data);
        }
        let mut uploads = self.uploads.lock().unwrap();
        let size = text.len() as u64;
        uploads.push(text);
        Ok(Response::new(StoredText {
            id: uploads.len() as i64,
            size,
        }))
    }

    async fn append(&self, request: Request<AppendRequest>) -> Answer<AppendResponse> {
        self.called()?;
        let request = request.into_inner();
        let content = request.content.unwrap();
        let text = match content.text.unwrap() {
            Text::Inline(text) => text.to_vec(),
            Text::Stored(id) => self.uploads.lock().unwrap()[id as usize - 1].clone(),
            Text::Body(id) => panic!("an append over the body {id}"),
        };
        assert_eq!(text.len() as u64, content.text_size);
        let mut message = Message::new(b"", &[&content.header, text.as_slice()].concat());
        message.flags = request.flags.unwrap_or_default();
        if request.internal_date_ms != 0 {
            message.internal_date_ms = request.internal_date_ms;
        }
        let add = |mailbox: &mut FakeMailbox| (mailbox.add(message), mailbox.id);
        let (uid, mailbox_id) = self.change(&request.mailbox, add)?;
        Ok(Response::new(AppendResponse {
            uid_validity: 7,
            uid,
            mailbox_id,
        }))
    }

    async fn copy(&self, request: Request<CopyRequest>) -> Answer<CopyResponse> {
        self.called()?;
        self.copy_messages(&request.into_inner()).map(Response::new)
    }

    async fn r#move(&self, request: Request<CopyRequest>) -> Answer<CopyResponse> {
        self.called()?;
        let request = request.into_inner();
        let copied = self.copy_messages(&request)?;
        self.change_by_id(request.mailbox_id, |mailbox| {
            mailbox.remove(&copied.from_uids);
        })?;
        Ok(Response::new(copied))
    }

    async fn expunge(&self, request: Request<ExpungeRequest>) -> Answer<ExpungeResponse> {
        self.called()?;
        let request = request.into_inner();
        let expunge = |mailbox: &mut FakeMailbox| {
            let uids = mailbox.deleted(&request.uids);
            mailbox.remove(&uids);
            ExpungeResponse {
                uids,
                highest_modseq: mailbox.modseq,
            }
        };
        self.change_by_id(request.mailbox_id, expunge)
            .map(Response::new)
    }

    async fn deliver(&self, _: Request<Streaming<DeliverRequest>>) -> Answer<Self::DeliverStream> {
        Err(Status::unimplemented(""))
    }

    async fn lock_maildrop(
        &self,
        _: Request<LockMaildropRequest>,
    ) -> Answer<Self::LockMaildropStream> {
        Err(Status::unimplemented(""))
    }
}

impl Store {
    fn answers<T: Send + 'static>(&self, items: Vec<T>) -> Response<Answers<T>> {
        let items = stream::iter(items.into_iter().map(Ok));
        Response::new(if self.stalled.load(Ordering::SeqCst) {
            items.take(1).chain(stream::pending()).boxed()
        } else {
            items.boxed()
        })
    }

    fn copy_messages(&self, request: &CopyRequest) -> Result<CopyResponse, Status> {
        let (from_uids, messages) = self.change_by_id(request.mailbox_id, |mailbox| {
            let uids = mailbox.within(&request.uids);
            let messages: Vec<_> = uids
                .iter()
                .map(|uid| mailbox.messages[uid].clone())
                .collect();
            (uids, messages)
        })?;
        let add = |mailbox: &mut FakeMailbox| {
            let messages = messages.into_iter();
            let uids = messages.map(|message| mailbox.add(message)).collect();
            (uids, mailbox.id)
        };
        let (to_uids, mailbox_id) = self.change(&request.to, add)?;
        Ok(CopyResponse {
            uid_validity: 7,
            from_uids,
            to_uids,
            mailbox_id,
        })
    }
}

fn apply(mode: Mode, with: &Flags, flags: &mut Flags) {
    match mode {
        Mode::Add => {
            flags.system |= with.system;
            for keyword in &with.keywords {
                if !flags.keywords.contains(keyword) {
                    flags.keywords.push(keyword.clone());
                }
            }
        }
        Mode::Remove => {
            flags.system &= !with.system;
            flags.keywords.retain(|k| !with.keywords.contains(k));
        }
        Mode::Replace | Mode::Unspecified => *flags = with.clone(),
    }
}
