//! mailbox.v1.

use api::grpc::{Request, Response, Status, Streaming, async_trait};
use api::mailbox::v1::mailbox_store_server::MailboxStore;
use api::mailbox::v1::store_flags_request::Mode as ProtoMode;
use api::mailbox::v1::{
    AppendRequest, AppendResponse, CopyRequest, CopyResponse, CreateMailboxRequest,
    DeleteMailboxRequest, DeleteMailboxResponse, DeliverRequest, DeliverResponse, ExpungeRequest,
    ExpungeResponse, FetchRequest, FetchResponse, GetChangesRequest, GetChangesResponse,
    GetStatusRequest, GetStatusResponse, ListMailboxesRequest, ListMailboxesResponse,
    LockMaildropRequest, LockMaildropResponse, Mailbox, ReadMessageRequest, RenameMailboxRequest,
    RenameMailboxResponse, SearchRequest, SearchResponse, SelectRequest, SelectResponse,
    SetSubscribedRequest, SetSubscribedResponse, StoreFlagsRequest, StoreFlagsResponse,
    WatchRequest, WatchResponse,
};
use api::message::v1::{Chunk, StoredText};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::actor::{known, user};
use super::{Answers, deliver, streamed, watch};
use crate::deliver::Deliverer;
use crate::maildrop::Maildrops;
use crate::messages::{self, Append, Change, FetchItems, Mode};
use crate::search;
use crate::store::Store;
use crate::values::{Keywords, MailboxName, UidSet, system_flags};
use crate::{Error, Result, clock, mailboxes};

/// Maximum size of an uploaded text, and so of an APPEND.
const LARGEST_TEXT: u64 = 256 * 1024 * 1024;

/// Messages in one answer of Select.
const STATES: usize = 2000;

/// Maximum number of names in one GetStatus.
const MOST_NAMES: usize = 10_000;

/// Takes a turn of the user for each item. No turn is held while the reader is slow (I7).
fn in_turns<T: Send + 'static>(
    store: Store,
    user_id: i64,
    items: impl Stream<Item = Result<T>> + Send + 'static,
) -> impl Stream<Item = Result<T>> + Send + 'static {
    stream::try_unfold(items.boxed(), move |mut items| {
        let store = store.clone();
        async move {
            let _turn = store.turn(user_id).await;
            let item = items.try_next().await?;
            Ok(item.map(|item| (item, items)))
        }
    })
}

/// mailbox.v1 over a store.
#[derive(Debug)]
pub struct MailboxService {
    store: Store,
    deliverer: Deliverer,
    maildrops: Maildrops,
    shutdown: CancellationToken,
}

impl MailboxService {
    /// Must be called within a tokio runtime. Open streams end with `shutdown`.
    pub fn new(store: Store, shutdown: CancellationToken) -> Self {
        Self {
            deliverer: Deliverer::start(store.clone()),
            maildrops: Maildrops::start(store.pool().clone()),
            store,
            shutdown,
        }
    }
}

#[async_trait]
impl MailboxStore for MailboxService {
    type DeliverStream = Answers<DeliverResponse>;
    type SelectStream = Answers<SelectResponse>;
    type WatchStream = Answers<WatchResponse>;
    type FetchStream = Answers<FetchResponse>;
    type ReadMessageStream = Answers<Chunk>;
    type LockMaildropStream = Answers<LockMaildropResponse>;

    async fn deliver(
        &self,
        request: Request<Streaming<DeliverRequest>>,
    ) -> Result<Response<Self::DeliverStream>, Status> {
        let (answers, out) = mpsc::channel(64);
        let requests = request.into_inner();
        let shutdown = self.shutdown.clone();
        tokio::spawn(deliver::serve(
            self.deliverer.clone(),
            requests,
            answers,
            shutdown,
        ));
        streamed(ReceiverStream::new(out))
    }

    async fn list_mailboxes(
        &self,
        request: Request<ListMailboxesRequest>,
    ) -> Result<Response<ListMailboxesResponse>, Status> {
        let user_id = user(request.into_inner().actor)?;
        let _turn = self.store.turn(user_id).await;
        let mailboxes = mailboxes::list(&self.store, user_id).await?;
        Ok(Response::new(ListMailboxesResponse { mailboxes }))
    }

    async fn create_mailbox(
        &self,
        request: Request<CreateMailboxRequest>,
    ) -> Result<Response<Mailbox>, Status> {
        let CreateMailboxRequest {
            actor,
            name,
            special_use,
        } = request.into_inner();
        let user_id = user(actor)?;
        let name = MailboxName::parse(&name)?;
        let _turn = self.store.turn(user_id).await;
        let mailbox = mailboxes::create(&self.store, user_id, &name, &special_use).await?;
        Ok(Response::new(mailbox))
    }

    async fn delete_mailbox(
        &self,
        request: Request<DeleteMailboxRequest>,
    ) -> Result<Response<DeleteMailboxResponse>, Status> {
        let DeleteMailboxRequest { actor, name } = request.into_inner();
        let user_id = user(actor)?;
        let name = MailboxName::parse(&name)?;
        let _turn = self.store.turn(user_id).await;
        let mailbox_id = mailboxes::delete(&self.store, user_id, &name).await?;
        Ok(Response::new(DeleteMailboxResponse { mailbox_id }))
    }

    async fn rename_mailbox(
        &self,
        request: Request<RenameMailboxRequest>,
    ) -> Result<Response<RenameMailboxResponse>, Status> {
        let RenameMailboxRequest { actor, from, to } = request.into_inner();
        let user_id = user(actor)?;
        let (from, to) = (MailboxName::parse(&from)?, MailboxName::parse(&to)?);
        let _turn = self.store.turn(user_id).await;
        mailboxes::rename(&self.store, user_id, &from, &to).await?;
        Ok(Response::new(RenameMailboxResponse {}))
    }

    async fn set_subscribed(
        &self,
        request: Request<SetSubscribedRequest>,
    ) -> Result<Response<SetSubscribedResponse>, Status> {
        let SetSubscribedRequest {
            actor,
            name,
            subscribed,
        } = request.into_inner();
        let user_id = user(actor)?;
        let name = MailboxName::parse(&name)?;
        let _turn = self.store.turn(user_id).await;
        mailboxes::set_subscribed(&self.store, user_id, &name, subscribed).await?;
        Ok(Response::new(SetSubscribedResponse {}))
    }

    async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let GetStatusRequest { actor, names } = request.into_inner();
        let user_id = user(actor)?;
        if names.len() > MOST_NAMES {
            return Err(Error::Invalid("too many names at once".into()).into());
        }
        let names = names
            .iter()
            .map(|name| MailboxName::parse(name))
            .collect::<Result<Vec<_>>>()?;
        let _turn = self.store.turn(user_id).await;
        let states = mailboxes::status(&self.store, user_id, &names).await?;
        Ok(Response::new(GetStatusResponse { states }))
    }

    async fn select(
        &self,
        request: Request<SelectRequest>,
    ) -> Result<Response<Self::SelectStream>, Status> {
        let SelectRequest { actor, name } = request.into_inner();
        let user_id = user(actor)?;
        let name = MailboxName::parse(&name)?;
        let turn = self.store.turn(user_id).await;
        let selected = messages::select(&self.store, user_id, &name).await?;
        drop(turn);
        let mailbox_id = selected.state.mailbox_id;
        self.store.note_owner(mailbox_id, user_id);
        let first = SelectResponse {
            state: Some(selected.state),
            messages: Vec::new(),
            keywords: selected.keywords,
        };
        let rest = stream::iter(selected.messages)
            .chunks(STATES)
            .map(|messages| SelectResponse {
                messages,
                ..SelectResponse::default()
            });
        streamed(stream::iter([first]).chain(rest).map(Ok::<_, Error>))
    }

    async fn get_changes(
        &self,
        request: Request<GetChangesRequest>,
    ) -> Result<Response<GetChangesResponse>, Status> {
        let GetChangesRequest {
            actor,
            mailbox_id,
            since_modseq,
        } = request.into_inner();
        let actor = known(actor)?;
        if !self.store.exists_for(&actor, mailbox_id).await? {
            return Ok(Response::new(messages::deleted()));
        }
        let _turn = self.store.turn(actor.user_id).await;
        let changes = messages::changes(&self.store, mailbox_id, since_modseq).await?;
        Ok(Response::new(changes))
    }

    async fn watch(
        &self,
        request: Request<Streaming<WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (answers, out) = mpsc::channel(4);
        let (store, shutdown) = (self.store.clone(), self.shutdown.clone());
        tokio::spawn(watch::serve(store, request.into_inner(), answers, shutdown));
        streamed(ReceiverStream::new(out))
    }

    async fn fetch(
        &self,
        request: Request<FetchRequest>,
    ) -> Result<Response<Self::FetchStream>, Status> {
        let request = request.into_inner();
        let actor = known(request.actor)?;
        let uids = UidSet::parse(&request.uids)?;
        let wanted = FetchItems {
            flags: request.flags,
            internal_date: request.internal_date,
            size: request.size,
            envelope: request.envelope,
            body_structure: request.body_structure,
            body: request.body,
            parts: request.parts,
            header: request.header,
            content_up_to: request.content_up_to,
            changed_since: request.changed_since,
        };
        self.store.check_owner(&actor, request.mailbox_id).await?;
        let answers = messages::fetch(self.store.clone(), request.mailbox_id, uids, wanted);
        streamed(ReceiverStream::new(answers))
    }

    async fn read_message(
        &self,
        request: Request<ReadMessageRequest>,
    ) -> Result<Response<Self::ReadMessageStream>, Status> {
        let ReadMessageRequest {
            actor,
            mailbox_id,
            uid,
            offset,
            length,
        } = request.into_inner();
        let actor = known(actor)?;
        let turn = self.store.turn_in(&actor, mailbox_id).await?;
        let pieces = messages::read(&self.store, mailbox_id, uid, offset, length).await?;
        drop(turn);
        let pieces = in_turns(self.store.clone(), actor.user_id, pieces);
        streamed(pieces.map_ok(|data| Chunk { data, last: false }))
    }

    async fn search(
        &self,
        request: Request<SearchRequest>,
    ) -> Result<Response<SearchResponse>, Status> {
        let request = request.into_inner();
        let key = search::Key::parse(request.key.unwrap_or_default())?;
        let search = search::Search {
            mailbox_id: request.mailbox_id,
            key: &key,
            after: request.after.into(),
            now: clock::now(),
            slice: search::SLICE,
        };
        let actor = known(request.actor)?;
        let _turn = self.store.turn_in(&actor, search.mailbox_id).await?;
        let found = search::search(&self.store, search).await?;
        Ok(Response::new(found))
    }

    async fn store_flags(
        &self,
        request: Request<StoreFlagsRequest>,
    ) -> Result<Response<StoreFlagsResponse>, Status> {
        let request = request.into_inner();
        let mode = match request.mode() {
            ProtoMode::Replace => Mode::Replace,
            ProtoMode::Add => Mode::Add,
            ProtoMode::Remove => Mode::Remove,
            ProtoMode::Unspecified => {
                return Err(Error::Invalid("the mode of the change is missing".into()).into());
            }
        };
        let flags = request.flags.unwrap_or_default();
        let change = Change {
            uids: UidSet::parse(&request.uids)?,
            mode,
            system: system_flags(flags.system)?,
            keywords: Keywords::parse(&flags.keywords)?,
            unchanged_since: request.unchanged_since,
        };
        let actor = known(request.actor)?;
        let _turn = self.store.turn_in(&actor, request.mailbox_id).await?;
        let (user_id, mailbox_id) = (actor.user_id, request.mailbox_id);
        let stored = messages::store_flags(&self.store, user_id, mailbox_id, &change).await?;
        Ok(Response::new(stored))
    }

    async fn store_text(
        &self,
        request: Request<Streaming<Chunk>>,
    ) -> Result<Response<StoredText>, Status> {
        self.store.has_room()?;
        let pieces = api::text_upload::pieces(request.into_inner());
        let (pool, ids) = (self.store.pool(), self.store.body_ids());
        let stored = volume::store_text(pool, ids, pieces, LARGEST_TEXT, clock::now())
            .await
            .map_err(Error::from)?;
        Ok(Response::new(StoredText {
            name: stored.name(),
            size: stored.size,
        }))
    }

    async fn append(
        &self,
        request: Request<AppendRequest>,
    ) -> Result<Response<AppendResponse>, Status> {
        let request = request.into_inner();
        let mailbox = MailboxName::parse(&request.mailbox)?;
        let content = request
            .content
            .ok_or_else(|| Error::Invalid("the content is missing".into()))?;
        let flags = request.flags.unwrap_or_default();
        let user_id = user(request.actor)?;
        let mut append = Append::new(user_id, mailbox, content)?;
        append.system = system_flags(flags.system)?;
        append.keywords = Keywords::parse(&flags.keywords)?;
        append.internal_date = Some(request.internal_date_ms).filter(|date| *date != 0);
        let _turn = self.store.turn(user_id).await;
        Ok(Response::new(messages::append(&self.store, &append).await?))
    }

    async fn copy(&self, request: Request<CopyRequest>) -> Result<Response<CopyResponse>, Status> {
        let CopyRequest {
            actor,
            mailbox_id,
            uids,
            to,
        } = request.into_inner();
        let actor = known(actor)?;
        let (uids, to) = (UidSet::parse(&uids)?, MailboxName::parse(&to)?);
        let _turn = self.store.turn_in(&actor, mailbox_id).await?;
        let copied = messages::copy(&self.store, mailbox_id, &uids, actor.user_id, &to).await?;
        Ok(Response::new(copied))
    }

    async fn r#move(
        &self,
        request: Request<CopyRequest>,
    ) -> Result<Response<CopyResponse>, Status> {
        let CopyRequest {
            actor,
            mailbox_id,
            uids,
            to,
        } = request.into_inner();
        let actor = known(actor)?;
        let (uids, to) = (UidSet::parse(&uids)?, MailboxName::parse(&to)?);
        let _turn = self.store.turn_in(&actor, mailbox_id).await?;
        let moved =
            messages::move_messages(&self.store, mailbox_id, &uids, actor.user_id, &to).await?;
        Ok(Response::new(moved))
    }

    async fn expunge(
        &self,
        request: Request<ExpungeRequest>,
    ) -> Result<Response<ExpungeResponse>, Status> {
        let ExpungeRequest {
            actor,
            mailbox_id,
            uids,
        } = request.into_inner();
        let uids = UidSet::parse_or_all(&uids)?;
        let actor = known(actor)?;
        let _turn = self.store.turn_in(&actor, mailbox_id).await?;
        let expunged = messages::expunge(&self.store, actor.user_id, mailbox_id, &uids).await?;
        Ok(Response::new(expunged))
    }

    async fn lock_maildrop(
        &self,
        request: Request<LockMaildropRequest>,
    ) -> Result<Response<Self::LockMaildropStream>, Status> {
        let user_id = user(request.into_inner().actor)?;
        let held = self.maildrops.lock(user_id).await?;
        let turn = self.store.turn(user_id).await;
        let inbox = mailboxes::status(&self.store, user_id, &[MailboxName::inbox()])
            .await?
            .pop();
        drop(turn);
        let shutdown = self.shutdown.clone();
        // The lock lives in the stream: when the peer ends the stream or disconnects, the lock is released.
        let until_lost = stream::once(async move {
            tokio::select! {
                () = held.lost() => {}
                () = shutdown.cancelled() => {}
            }
            Err(Error::Unavailable("the maildrop's lock is lost".into()))
        });
        streamed(stream::iter([Ok(LockMaildropResponse { inbox })]).chain(until_lost))
    }
}
