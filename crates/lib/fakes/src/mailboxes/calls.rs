//! The calls of mailbox.v1.

use api::grpc::{Request, Response, Status, Streaming, async_trait};
use api::mailbox::v1::mailbox_store_server::MailboxStore;
use api::mailbox::v1::*;
use api::message::v1::{Chunk, StoredText, content::Text};
use futures::stream::{self, StreamExt as _};

use super::message::Message;
use super::search::search;
use super::state::user;
use super::watching::GONE;
use super::{Mailboxes, UID_VALIDITY};
use crate::{Answer, Answers};

/// Messages in a piece of a streamed answer: few, to get several pieces.
const BATCH: usize = 2;

/// Octets in a piece of a message.
const PIECE: usize = 100_000;

#[async_trait]
impl MailboxStore for Mailboxes {
    type DeliverStream = Answers<DeliverResponse>;
    type SelectStream = Answers<SelectResponse>;
    type WatchStream = Answers<WatchResponse>;
    type FetchStream = Answers<FetchResponse>;
    type ReadMessageStream = Answers<Chunk>;
    type LockMaildropStream = Answers<LockMaildropResponse>;

    async fn deliver(
        &self,
        requests: Request<Streaming<DeliverRequest>>,
    ) -> Answer<Self::DeliverStream> {
        let store = self.clone();
        let requests = requests.into_inner();
        let answers = requests.map(move |request| store.take(request?));
        Ok(Response::new(answers.boxed()))
    }

    async fn list_mailboxes(
        &self,
        request: Request<ListMailboxesRequest>,
    ) -> Answer<ListMailboxesResponse> {
        self.called()?;
        let mailboxes = self
            .state()
            .list(user(request.into_inner().actor.as_ref())?)?;
        Ok(Response::new(ListMailboxesResponse { mailboxes }))
    }

    async fn create_mailbox(&self, request: Request<CreateMailboxRequest>) -> Answer<Mailbox> {
        self.called()?;
        let request = request.into_inner();
        let mut state = self.state();
        let made = state.create(
            user(request.actor.as_ref())?,
            &request.name,
            &request.special_use,
        )?;
        Ok(Response::new(made))
    }

    async fn delete_mailbox(
        &self,
        request: Request<DeleteMailboxRequest>,
    ) -> Answer<DeleteMailboxResponse> {
        self.called()?;
        let request = request.into_inner();
        let mailbox_id = self
            .state()
            .delete(user(request.actor.as_ref())?, &request.name)?;
        self.tell(mailbox_id, GONE);
        Ok(Response::new(DeleteMailboxResponse { mailbox_id }))
    }

    async fn rename_mailbox(
        &self,
        request: Request<RenameMailboxRequest>,
    ) -> Answer<RenameMailboxResponse> {
        self.called()?;
        let request = request.into_inner();
        let renamed =
            self.state()
                .rename(user(request.actor.as_ref())?, &request.from, &request.to);
        self.publish(&renamed?);
        Ok(Response::new(RenameMailboxResponse {}))
    }

    async fn set_subscribed(
        &self,
        request: Request<SetSubscribedRequest>,
    ) -> Answer<SetSubscribedResponse> {
        self.called()?;
        let request = request.into_inner();
        self.state().set_subscribed(
            user(request.actor.as_ref())?,
            &request.name,
            request.subscribed,
        )?;
        Ok(Response::new(SetSubscribedResponse {}))
    }

    async fn get_status(&self, request: Request<GetStatusRequest>) -> Answer<GetStatusResponse> {
        self.called()?;
        let request = request.into_inner();
        let states = self
            .state()
            .status(user(request.actor.as_ref())?, &request.names)?;
        Ok(Response::new(GetStatusResponse { states }))
    }

    async fn select(&self, request: Request<SelectRequest>) -> Answer<Self::SelectStream> {
        self.called()?;
        let request = request.into_inner();
        let state = self.state();
        let mailbox = state.named(user(request.actor.as_ref())?, &request.name)?;
        let (keywords, messages) = (mailbox.keywords.clone(), mailbox.states());
        let mut answers: Vec<_> = messages
            .chunks(BATCH)
            .map(|messages| SelectResponse {
                messages: messages.to_vec(),
                ..SelectResponse::default()
            })
            .collect();
        if answers.is_empty() {
            answers.push(SelectResponse::default());
        }
        answers[0].state = Some(mailbox.state());
        answers[0].keywords = keywords;
        drop(state);
        Ok(self.answers(answers))
    }

    async fn get_changes(&self, request: Request<GetChangesRequest>) -> Answer<GetChangesResponse> {
        self.called()?;
        let request = request.into_inner();
        let mut state = self.state();
        let user_id = user(request.actor.as_ref())?;
        let changes = match state.owned(user_id, request.mailbox_id) {
            Ok(mailbox) => mailbox.changes(request.since_modseq),
            Err(_) => GetChangesResponse {
                deleted: true,
                ..GetChangesResponse::default()
            },
        };
        Ok(Response::new(changes))
    }

    async fn watch(&self, request: Request<Streaming<WatchRequest>>) -> Answer<Self::WatchStream> {
        Ok(Response::new(self.watched(request.into_inner())))
    }

    async fn fetch(&self, request: Request<FetchRequest>) -> Answer<Self::FetchStream> {
        self.called()?;
        if self.faults().fetch_fails {
            return Err(Status::unavailable("down"));
        }
        let request = request.into_inner();
        let user_id = user(request.actor.as_ref())?;
        let mut state = self.state();
        let messages = state.owned(user_id, request.mailbox_id)?.fetch(&request);
        drop(state);
        let answers = messages.chunks(BATCH).map(|messages| FetchResponse {
            messages: messages.to_vec(),
        });
        Ok(self.answers(answers.collect()))
    }

    async fn read_message(
        &self,
        request: Request<ReadMessageRequest>,
    ) -> Answer<Self::ReadMessageStream> {
        self.called()?;
        let request = request.into_inner();
        self.seen().reads.push((request.offset, request.length));
        let user_id = user(request.actor.as_ref())?;
        let mut state = self.state();
        let mailbox = state.owned(user_id, request.mailbox_id)?;
        let message = mailbox.messages.get(&request.uid);
        let message = message.ok_or_else(|| Status::not_found("no such message"))?;
        let octets = message.octets.clone();
        drop(state);
        let at = |offset: u64| usize::try_from(offset).unwrap().min(octets.len());
        let end = match request.length {
            0 => octets.len(),
            length => at(request.offset.saturating_add(length)),
        };
        let octets = octets.slice(at(request.offset).min(end)..end);
        let breaks = self.faults().reads_break_after;
        let kept = breaks.map_or(octets.len(), |after| after.min(octets.len()));
        let pieces = octets[..kept].chunks(PIECE).map(|piece| Chunk {
            data: piece.to_vec().into(),
            last: false,
        });
        let pieces = self.answers(pieces.collect());
        if breaks.is_none() {
            return Ok(pieces);
        }
        let broken = stream::once(async { Err(Status::unavailable("broken on purpose")) });
        let pieces = pieces.into_inner().chain(broken);
        Ok(Response::new(pieces.boxed()))
    }

    async fn search(&self, request: Request<SearchRequest>) -> Answer<SearchResponse> {
        self.called()?;
        let request = request.into_inner();
        let key = request.key.unwrap_or_default();
        if key.key.is_none() {
            return Err(Status::invalid_argument("no key"));
        }
        self.held_search().await;
        let user_id = user(request.actor.as_ref())?;
        let mut state = self.state();
        let mailbox = state.owned(user_id, request.mailbox_id)?;
        Ok(Response::new(search(mailbox, &key, request.after)))
    }

    async fn store_flags(&self, request: Request<StoreFlagsRequest>) -> Answer<StoreFlagsResponse> {
        self.called()?;
        let request = request.into_inner();
        let stored = self.change_owned(request.actor.as_ref(), request.mailbox_id, |mailbox| {
            mailbox.store_flags(&request)
        })?;
        Ok(Response::new(stored))
    }

    async fn store_text(&self, request: Request<Streaming<Chunk>>) -> Answer<StoredText> {
        self.called()?;
        let mut pieces = request.into_inner();
        let mut text = Vec::new();
        while let Some(piece) = pieces.message().await? {
            let mut seen = self.seen();
            seen.longest_piece = seen.longest_piece.max(piece.data.len());
            text.extend_from_slice(&piece.data);
        }
        let size = text.len() as u64;
        let mut state = self.state();
        let name = state.uploads.len().to_string().into();
        state.uploads.push(text);
        Ok(Response::new(StoredText { name, size }))
    }

    async fn append(&self, request: Request<AppendRequest>) -> Answer<AppendResponse> {
        self.called()?;
        let request = request.into_inner();
        let mailbox_id = self
            .state()
            .id_of(user(request.actor.as_ref())?, &request.mailbox)?;
        let content = request.content;
        let content = content.ok_or_else(|| Status::invalid_argument("no content"))?;
        let text = match content.text {
            Some(Text::Inline(text)) => text.to_vec(),
            Some(Text::Stored(name)) => {
                let index: usize = std::str::from_utf8(&name).unwrap().parse().unwrap();
                self.state().uploads[index].clone()
            }
            Some(Text::Body(_)) => return Err(Status::invalid_argument("only the queue takes it")),
            None => Vec::new(),
        };
        if text.len() as u64 != content.text_size {
            return Err(Status::invalid_argument("the text has another size"));
        }
        let mut message = Message::new(b"", &[&content.header, text.as_slice()].concat());
        message.flags = request.flags.unwrap_or_default();
        if request.internal_date_ms != 0 {
            message = message.received(request.internal_date_ms);
        }
        let uid = self.change_by_id(mailbox_id, |mailbox| Ok(mailbox.add(message)))?;
        Ok(Response::new(AppendResponse {
            uid_validity: UID_VALIDITY,
            uid,
            mailbox_id,
        }))
    }

    async fn copy(&self, request: Request<CopyRequest>) -> Answer<CopyResponse> {
        self.called()?;
        self.transferred(&request.into_inner(), false)
    }

    async fn r#move(&self, request: Request<CopyRequest>) -> Answer<CopyResponse> {
        self.called()?;
        self.transferred(&request.into_inner(), true)
    }

    async fn expunge(&self, request: Request<ExpungeRequest>) -> Answer<ExpungeResponse> {
        self.called()?;
        let request = request.into_inner();
        let expunged =
            self.change_owned(request.actor.as_ref(), request.mailbox_id, |mailbox| {
                let uids = mailbox.deleted(&request.uids);
                mailbox.remove(&uids);
                Ok(ExpungeResponse {
                    uids,
                    highest_modseq: mailbox.modseq,
                })
            })?;
        Ok(Response::new(expunged))
    }

    async fn lock_maildrop(
        &self,
        request: Request<LockMaildropRequest>,
    ) -> Answer<Self::LockMaildropStream> {
        self.called()?;
        self.held_maildrop(user(request.into_inner().actor.as_ref())?)
    }
}

impl Mailboxes {
    fn answers<T: Send + 'static>(&self, items: Vec<T>) -> Response<Answers<T>> {
        let items = stream::iter(items.into_iter().map(Ok));
        Response::new(if self.faults().stalled {
            items.take(1).chain(stream::pending()).boxed()
        } else {
            items.boxed()
        })
    }

    fn transferred(&self, request: &CopyRequest, removing: bool) -> Answer<CopyResponse> {
        let (response, changed) = self.state().copy(request, removing)?;
        self.publish(&changed);
        Ok(Response::new(response))
    }

    /// Waits while searches are held; counts as a search in progress until it ends or is dropped.
    async fn held_search(&self) {
        struct UnderWay<'a>(&'a tokio::sync::watch::Sender<usize>);
        impl Drop for UnderWay<'_> {
            fn drop(&mut self) {
                self.0.send_modify(|count| *count -= 1);
            }
        }
        self.0.searching.send_modify(|count| *count += 1);
        let _under_way = UnderWay(&self.0.searching);
        let mut held = self.0.searches_held.subscribe();
        // The sender lives as long as the store.
        let _ = held.wait_for(|held| !held).await;
    }
}
