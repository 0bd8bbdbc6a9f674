//! Mailboxes in memory, as far as Deliver goes.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use api::grpc::{Code, Request, Response, Status, Streaming, async_trait};
use api::mailbox::v1::delivery_result::Status as Result_;
use api::mailbox::v1::mailbox_store_server::MailboxStore;
use api::mailbox::v1::*;
use api::message::v1::{Chunk, Failure, StoredText};
use futures::{Stream, StreamExt as _};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// See the module. Clones are the same store.
#[derive(Clone, Default)]
pub(crate) struct FakeMailboxStore {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    users: HashSet<String>,
    pub(crate) delivered: Vec<Delivery>,
    /// Sizes of the batches that came.
    pub(crate) batches: Vec<usize>,
    /// So many batches more are answered by the stream breaking.
    pub(crate) break_streams: usize,
    /// So many batches more are delivered, and answered as if that were not known.
    pub(crate) lose_answers: usize,
    /// Batches with this user in them are refused as invalid.
    pub(crate) poison: Option<String>,
    /// Of this user, the mailbox is full.
    pub(crate) full: Option<String>,
}

impl FakeMailboxStore {
    pub(crate) fn new(users: &[&str]) -> Self {
        let store = Self::default();
        store.state().users = users.iter().map(ToString::to_string).collect();
        store
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn take(&self, request: DeliverRequest) -> Result<DeliverResponse, Status> {
        let mut state = self.state();
        if state.break_streams > 0 {
            state.break_streams -= 1;
            return Err(Status::unavailable("broken on purpose"));
        }
        state.batches.push(request.deliveries.len());
        let lost = state.lose_answers > 0;
        state.lose_answers = state.lose_answers.saturating_sub(1);
        let poison = state.poison.clone();
        let poisoned = |one: &Delivery| Some(&one.user) == poison.as_ref();
        let result = if request.deliveries.iter().any(poisoned) {
            deliver_response::Result::Failure(Failure {
                code: Code::InvalidArgument as i32,
                message: "poison".to_owned(),
            })
        } else {
            let results = request.deliveries.into_iter();
            deliver_response::Result::Delivered(Delivered {
                results: results.map(|one| state.deliver(one)).collect(),
            })
        };
        let result = if lost {
            deliver_response::Result::Failure(Failure {
                code: Code::Unavailable as i32,
                message: "lost on purpose".to_owned(),
            })
        } else {
            result
        };
        Ok(DeliverResponse {
            tag: request.tag,
            result: Some(result),
        })
    }
}

impl State {
    fn deliver(&mut self, delivery: Delivery) -> DeliveryResult {
        let mut result = DeliveryResult {
            recipient_id: delivery.recipient_id,
            uid: 1,
            ..DeliveryResult::default()
        };
        let known = |one: &Delivery| one.recipient_id == delivery.recipient_id;
        result.set_status(if self.full.as_ref() == Some(&delivery.user) {
            Result_::OverQuota
        } else if !self.users.contains(&delivery.user) {
            Result_::NoSuchUser
        } else if self.delivered.iter().any(known) {
            Result_::Duplicate
        } else {
            self.delivered.push(delivery);
            Result_::Delivered
        });
        result
    }
}

fn not_asked<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("delivery does not ask this"))
}

#[async_trait]
impl MailboxStore for FakeMailboxStore {
    type DeliverStream = Answers<DeliverResponse>;
    type SelectStream = Answers<SelectResponse>;
    type WatchStream = Answers<WatchResponse>;
    type FetchStream = Answers<FetchResponse>;
    type ReadMessageStream = Answers<Chunk>;
    type LockMaildropStream = Answers<LockMaildropResponse>;

    async fn deliver(
        &self,
        requests: Request<Streaming<DeliverRequest>>,
    ) -> Result<Response<Self::DeliverStream>, Status> {
        let store = self.clone();
        let answers = requests
            .into_inner()
            .map(move |request| store.take(request?));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn watch(
        &self,
        _: Request<Streaming<WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        not_asked()
    }

    async fn store_text(
        &self,
        _: Request<Streaming<Chunk>>,
    ) -> Result<Response<StoredText>, Status> {
        not_asked()
    }

    async fn list_mailboxes(
        &self,
        _: Request<ListMailboxesRequest>,
    ) -> Result<Response<ListMailboxesResponse>, Status> {
        not_asked()
    }

    async fn create_mailbox(
        &self,
        _: Request<CreateMailboxRequest>,
    ) -> Result<Response<Mailbox>, Status> {
        not_asked()
    }

    async fn delete_mailbox(
        &self,
        _: Request<DeleteMailboxRequest>,
    ) -> Result<Response<DeleteMailboxResponse>, Status> {
        not_asked()
    }

    async fn rename_mailbox(
        &self,
        _: Request<RenameMailboxRequest>,
    ) -> Result<Response<RenameMailboxResponse>, Status> {
        not_asked()
    }

    async fn set_subscribed(
        &self,
        _: Request<SetSubscribedRequest>,
    ) -> Result<Response<SetSubscribedResponse>, Status> {
        not_asked()
    }

    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        not_asked()
    }

    async fn get_changes(
        &self,
        _: Request<GetChangesRequest>,
    ) -> Result<Response<GetChangesResponse>, Status> {
        not_asked()
    }

    async fn search(&self, _: Request<SearchRequest>) -> Result<Response<SearchResponse>, Status> {
        not_asked()
    }

    async fn store_flags(
        &self,
        _: Request<StoreFlagsRequest>,
    ) -> Result<Response<StoreFlagsResponse>, Status> {
        not_asked()
    }

    async fn append(&self, _: Request<AppendRequest>) -> Result<Response<AppendResponse>, Status> {
        not_asked()
    }

    async fn copy(&self, _: Request<CopyRequest>) -> Result<Response<CopyResponse>, Status> {
        not_asked()
    }

    async fn r#move(&self, _: Request<CopyRequest>) -> Result<Response<CopyResponse>, Status> {
        not_asked()
    }

    async fn expunge(
        &self,
        _: Request<ExpungeRequest>,
    ) -> Result<Response<ExpungeResponse>, Status> {
        not_asked()
    }

    async fn select(
        &self,
        _: Request<SelectRequest>,
    ) -> Result<Response<Self::SelectStream>, Status> {
        not_asked()
    }

    async fn fetch(&self, _: Request<FetchRequest>) -> Result<Response<Self::FetchStream>, Status> {
        not_asked()
    }

    async fn read_message(
        &self,
        _: Request<ReadMessageRequest>,
    ) -> Result<Response<Self::ReadMessageStream>, Status> {
        not_asked()
    }

    async fn lock_maildrop(
        &self,
        _: Request<LockMaildropRequest>,
    ) -> Result<Response<Self::LockMaildropStream>, Status> {
        not_asked()
    }
}
