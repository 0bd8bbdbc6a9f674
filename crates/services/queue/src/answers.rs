//! Streams whose answers come in any order, matched by tag.

use std::sync::Arc;

use api::grpc::Status;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;

/// Requests of one stream that may be under way.
const UNDER_WAY: usize = 1024;

/// The way to a stream's answers.
pub(crate) type Answers<R> = mpsc::Sender<Result<R, Status>>;

/// A stream of answers, and the way to it.
pub(crate) fn answers<R>() -> (Answers<R>, ReceiverStream<Result<R, Status>>) {
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    (sender, ReceiverStream::new(receiver))
}

/// A place in a stream's answers, taken before the work begins: who does not read their answers
/// is not read from. It may hold a share of the memory that all requests together may take.
#[derive(Debug)]
pub(crate) struct Place<R> {
    tag: u64,
    permit: mpsc::OwnedPermit<Result<R, Status>>,
    _share: Option<OwnedSemaphorePermit>,
}

impl<R> Place<R> {
    /// Waits for a place. `None` when the client has gone.
    pub(crate) async fn take(answers: &Answers<R>, tag: u64) -> Option<Self> {
        let permit = answers.clone().reserve_owned().await.ok()?;
        Some(Self {
            tag,
            permit,
            _share: None,
        })
    }

    /// Waits for its share of the memory.
    pub(crate) async fn with_share(self, budget: &Budget, octets: usize) -> Self {
        Self {
            _share: budget.take(octets).await,
            ..self
        }
    }

    /// Answers.
    pub(crate) fn fill(self, answer: impl FnOnce(u64) -> R) {
        self.permit.send(Ok(answer(self.tag)));
    }
}

/// What all requests that wait for their commit may hold of memory together (I7).
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
        // Never closed, so always given.
        let kib = kib.min(self.total);
        Arc::clone(&self.kib).acquire_many_owned(kib).await.ok()
    }
}
