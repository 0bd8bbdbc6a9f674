//! Streams whose answers come in any order, matched by tag.

use std::sync::Arc;

use api::grpc::Status;
use api::message::v1::Failure;
use api::queue::v1::{
    Accepted, CompleteResponse, Completed, EnqueueResponse, complete_response, enqueue_response,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::error::{Error, Result};

/// Requests of one stream that may be unanswered at a time.
const UNDER_WAY: usize = 1024;

/// The sender of a stream's answers.
pub(crate) type Answers<R> = mpsc::Sender<Result<R, Status>>;

/// An answer to one request of a stream.
pub(crate) trait Answer: Sized {
    type Success;

    fn new(tag: u64, result: Result<Self::Success, Failure>) -> Self;
}

impl Answer for EnqueueResponse {
    type Success = Accepted;

    fn new(tag: u64, result: Result<Accepted, Failure>) -> Self {
        let result = match result {
            Ok(accepted) => enqueue_response::Result::Accepted(accepted),
            Err(failure) => enqueue_response::Result::Failure(failure),
        };
        Self {
            tag,
            result: Some(result),
        }
    }
}

impl Answer for CompleteResponse {
    type Success = Completed;

    fn new(tag: u64, result: Result<Completed, Failure>) -> Self {
        let result = match result {
            Ok(completed) => complete_response::Result::Completed(completed),
            Err(failure) => complete_response::Result::Failure(failure),
        };
        Self {
            tag,
            result: Some(result),
        }
    }
}

/// A stream of answers, and its sender.
pub(crate) fn answers<R>() -> (Answers<R>, ReceiverStream<Result<R, Status>>) {
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    (sender, ReceiverStream::new(receiver))
}

/// A slot in a stream's answers, reserved before the work begins. A client that does not read its answers
/// therefore gets no further requests read. A slot may also hold a share of the memory that all requests
/// together may take.
#[derive(Debug)]
pub(crate) struct Slot<R> {
    tag: u64,
    permit: mpsc::OwnedPermit<Result<R, Status>>,
    _share: Option<OwnedSemaphorePermit>,
}

impl<R> Slot<R> {
    /// Waits for a slot. `None` when the client has gone.
    pub(crate) async fn take(answers: &Answers<R>, tag: u64) -> Option<Self> {
        let permit = answers.clone().reserve_owned().await.ok()?;
        Some(Self {
            tag,
            permit,
            _share: None,
        })
    }

    /// Waits for a share of the memory budget.
    pub(crate) async fn with_share(self, budget: &Budget, octets: usize) -> Self {
        Self {
            _share: budget.take(octets).await,
            ..self
        }
    }
}

impl<R: Answer> Slot<R> {
    pub(crate) fn answer(self, result: Result<R::Success>) {
        self.fill(result.map_err(Failure::from));
    }

    fn fill(self, result: Result<R::Success, Failure>) {
        self.permit.send(Ok(R::new(self.tag, result)));
    }
}

/// Answers each of these requests with the error.
pub(crate) fn refuse<R: Answer>(slots: impl IntoIterator<Item = Slot<R>>, error: Error) {
    let failure = Failure::from(error);
    for slot in slots {
        slot.fill(Err(failure.clone()));
    }
}

/// The memory that all requests waiting for their commit may hold together (I7).
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    kib: Arc<Semaphore>,
    total: u32,
}

impl Budget {
    pub(crate) fn new(kib: u32) -> Self {
        Self {
            kib: Arc::new(Semaphore::new(kib as usize)),
            total: kib,
        }
    }

    async fn take(&self, octets: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(octets.div_ceil(1024)).unwrap_or(u32::MAX);
        // The semaphore is never closed, so the permit is always given.
        let kib = kib.min(self.total);
        Arc::clone(&self.kib).acquire_many_owned(kib).await.ok()
    }
}
