//! One stream of submissions, to one replica of the queue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use channel::Connection;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{EnqueueError, MESSAGE_LIMIT};
use crate::queue::v1::{
    Accepted, EnqueueRequest, EnqueueResponse, Submission, enqueue_response, queue_client,
};
use crate::queue_features::Features;

/// Submissions that may wait for the stream.
const BACKLOG: usize = 256;

type Answer = oneshot::Sender<Result<Accepted, EnqueueError>>;

/// A stream believed to be open.
pub(super) struct Stream {
    connection: Connection,
    requests: mpsc::Sender<EnqueueRequest>,
    /// The features of its replica.
    features: Features,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next_tag: u64,
    /// `None` after the stream has broken: no more answers will arrive.
    answers: Option<HashMap<u64, Answer>>,
}

impl Stream {
    /// Opens a stream over this connection. `ended` counts ended streams.
    pub(super) async fn open(
        connection: Connection,
        ended: Arc<watch::Sender<u64>>,
    ) -> Result<Arc<Self>, Status> {
        let (requests, outbound) = mpsc::channel(BACKLOG);
        let response = queue_client::QueueClient::new(connection.clone())
            .max_encoding_message_size(MESSAGE_LIMIT)
            .enqueue(ReceiverStream::new(outbound))
            .await?;
        let stream = Arc::new(Self {
            connection,
            requests,
            features: Features::announced(response.metadata()),
            waiting: Mutex::new(Waiting {
                next_tag: 0,
                answers: Some(HashMap::new()),
            }),
        });
        // The reader holds a weak reference: when no submitter is left, the stream ends.
        let (weak, responses) = (Arc::downgrade(&stream), response.into_inner());
        tokio::spawn(async move {
            read_answers(weak, responses).await;
            ended.send_modify(|ended| *ended += 1);
        });
        Ok(stream)
    }

    pub(super) fn features(&self) -> Features {
        self.features
    }

    /// The number of its connection.
    pub(super) fn connection(&self) -> u64 {
        self.connection.number()
    }

    /// Whether its connection is still the current one for its replica.
    pub(super) fn is_current(&self) -> bool {
        self.connection.is_current()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.requests.is_closed() || self.lock().answers.is_none()
    }

    /// The number of submissions without an answer.
    pub(super) fn under_way(&self) -> usize {
        self.lock().answers.as_ref().map_or(0, HashMap::len)
    }

    pub(super) async fn submit(&self, submission: Submission) -> Result<Accepted, EnqueueError> {
        let (answer, answered) = oneshot::channel();
        let tag = self.expect_answer(answer)?;
        let request = EnqueueRequest {
            tag,
            submission: Some(submission),
        };
        // If sending fails, the waiting caller learns it from the dropped answer channel.
        let _ = self.requests.send(request).await;
        answered.await.unwrap_or_else(|_| Err(stream_ended()))
    }

    fn expect_answer(&self, answer: Answer) -> Result<u64, EnqueueError> {
        let mut waiting = self.lock();
        let tag = waiting.next_tag;
        waiting.next_tag += 1;
        let answers = waiting.answers.as_mut().ok_or_else(stream_ended)?;
        answers.insert(tag, answer);
        Ok(tag)
    }

    fn answered(&self, response: EnqueueResponse) {
        let answer = self
            .lock()
            .answers
            .as_mut()
            .and_then(|answers| answers.remove(&response.tag));
        let Some(answer) = answer else { return };
        let result = match response.result {
            Some(enqueue_response::Result::Accepted(accepted)) => Ok(accepted),
            Some(enqueue_response::Result::Failure(failure)) => {
                Err(EnqueueError::from(Status::from(failure)))
            }
            None => Err(EnqueueError::Unavailable("an empty answer".to_owned())),
        };
        // The caller may have given up.
        let _ = answer.send(result);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes each answer to its caller until the stream ends; then all remaining callers are released.
async fn read_answers(stream: Weak<Stream>, mut responses: Streaming<EnqueueResponse>) {
    let end = loop {
        match responses.message().await {
            Ok(Some(response)) => {
                let Some(stream) = stream.upgrade() else {
                    return;
                };
                stream.answered(response);
            }
            Ok(None) => break None,
            Err(status) => break Some(status),
        }
    };
    let Some(stream) = stream.upgrade() else {
        return;
    };
    let orphans = stream.lock().answers.take().unwrap_or_default();
    for answer in orphans.into_values() {
        let error = end.clone().map_or_else(stream_ended, |status| {
            EnqueueError::Unavailable(format!("{}: {}", status.code(), status.message()))
        });
        let _ = answer.send(Err(error));
    }
}

fn stream_ended() -> EnqueueError {
    EnqueueError::Unavailable("the stream to the queue ended".to_owned())
}
