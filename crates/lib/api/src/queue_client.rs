//! Submitting to the queue: one stream shared by everything in a process that enqueues.
//!
//! A stream of requests costs a fifth of what single calls cost, and it lets the queue commit
//! what arrives together together. The stream is opened when the first message comes and again
//! after it broke. As it opens, the queue says what it understands: what it does not is not given to
//! it ([`crate::queue_features`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prost::Message as _;
use thiserror::Error;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::queue::v1::{
    Accepted, EnqueueRequest, EnqueueResponse, Submission, enqueue_response, queue_client,
};
use crate::queue_features::Features;
use crate::refusals::now_ms;

/// How long a submission may take before its outcome counts as unknown.
const PATIENCE: Duration = Duration::from_secs(60);

/// Submissions that may wait for the stream to take them.
const BACKLOG: usize = 256;

/// One submission: 256 KiB of text, 128 KiB of header, 2 MiB of summary and 10,000 recipients,
/// unless all of those have the longest addresses there are.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// Before a stream that could not be kept open is opened again.
const PAUSE: Duration = Duration::from_millis(500);

/// What a request holds besides its submission.
const ROOM_FOR_TAG: usize = 32;

/// Why a submission was not accepted.
#[derive(Debug, Error)]
pub enum EnqueueError {
    /// It may succeed later: the queue or its database is away, or it is of a version that would
    /// forget a part of the submission. The outcome may be unknown: the message can have been
    /// committed although the answer was lost.
    #[error("the queue cannot take messages now: {0}")]
    Unavailable(String),
    /// It will not succeed: the submission breaks a limit or a rule of the queue.
    #[error("the queue refused the message: {0}")]
    Refused(String),
}

impl EnqueueError {
    /// Whether trying again later can help.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<Status> for EnqueueError {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::InvalidArgument | Code::OutOfRange | Code::FailedPrecondition => {
                Self::Refused(status.message().to_owned())
            }
            _ => Self::Unavailable(format!("{}: {}", status.code(), status.message())),
        }
    }
}

/// A handle for submitting messages; clones share one stream.
#[derive(Clone)]
pub struct Enqueuer {
    shared: Arc<Shared>,
}

struct Shared {
    channel: Channel,
    live: tokio::sync::Mutex<Option<Arc<Live>>>,
    /// What the queue understood when a stream was opened last.
    features: watch::Sender<Option<Features>>,
}

/// A stream that is open, as far as is known.
struct Live {
    requests: mpsc::Sender<EnqueueRequest>,
    /// What the queue at its other end understands.
    features: Features,
    waiting: Mutex<Waiting>,
    /// Told once nobody will answer any more.
    ended: Notify,
}

#[derive(Default)]
struct Waiting {
    next_tag: u64,
    /// `None` once the stream has broken: nobody will answer any more.
    answers: Option<HashMap<u64, oneshot::Sender<Result<Accepted, EnqueueError>>>>,
}

impl Enqueuer {
    /// Submits over `channel`, which leads to the queue service.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self {
            shared: Arc::new(Shared {
                channel,
                live: tokio::sync::Mutex::new(None),
                features: watch::Sender::new(None),
            }),
        }
    }

    /// Keeps a stream open until `shutdown`, so that [`features`](Self::features) is known before the
    /// first message comes, and soon after the queue has been replaced.
    pub fn stay_open(&self, shutdown: CancellationToken) {
        let kept = self.clone();
        tokio::spawn(shutdown.run_until_cancelled_owned(async move {
            loop {
                if let Ok(live) = kept.live().await {
                    live.ended().await;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }));
    }

    /// What the queue understands, as it said last; `None` until it has been reached. By the time a
    /// message is submitted it may be another queue: then that one is not given it.
    #[must_use]
    pub fn features(&self) -> Option<Features> {
        *self.shared.features.borrow()
    }

    /// Waits until the queue has been reached.
    pub async fn reached(&self) {
        let mut features = self.shared.features.subscribe();
        // We hold the sender.
        let _ = features.wait_for(Option::is_some).await;
    }

    /// Submits one message and waits until the queue has committed it (invariant I1).
    ///
    /// # Errors
    /// [`EnqueueError::Unavailable`] when the queue cannot be reached, its database is away or no
    /// answer came within 60 s, and when it does not understand all that is asked of it;
    /// [`EnqueueError::Refused`] when it will never take this message.
    pub async fn enqueue(&self, submission: Submission) -> Result<Accepted, EnqueueError> {
        tokio::time::timeout(PATIENCE, self.submit(submission))
            .await
            .unwrap_or_else(|_| {
                Err(EnqueueError::Unavailable(format!(
                    "no answer within {} s",
                    PATIENCE.as_secs()
                )))
            })
    }

    async fn submit(&self, mut submission: Submission) -> Result<Accepted, EnqueueError> {
        tell_clock(&mut submission, now_ms());
        // It would end the stream, and with it everybody's submissions.
        let octets = submission.encoded_len();
        if octets > MESSAGE_LIMIT - ROOM_FOR_TAG {
            return Err(EnqueueError::Refused(format!(
                "with {octets} octets besides its text it is larger than the queue takes"
            )));
        }
        let live = self.live().await?;
        if let Some(missing) = live.features.lacks(Features::needed(&submission)) {
            return Err(EnqueueError::Unavailable(format!(
                "it is of an older version, which does not know what this message needs ({missing}); \
                 bring all of its processes up to date"
            )));
        }
        let (answer, answered) = oneshot::channel();
        let tag = live.expect_answer(answer)?;
        let request = EnqueueRequest {
            tag,
            submission: Some(submission),
        };
        // A failed send is told by the answer's sender being dropped with the stream.
        let _ = live.requests.send(request).await;
        answered.await.unwrap_or_else(|_| Err(stream_ended()))
    }

    /// The open stream, or a new one.
    async fn live(&self) -> Result<Arc<Live>, EnqueueError> {
        let mut slot = self.shared.live.lock().await;
        if let Some(live) = slot.as_ref().filter(|live| !live.is_broken()) {
            return Ok(Arc::clone(live));
        }
        let (requests, outbound) = mpsc::channel(BACKLOG);
        let response = queue_client::QueueClient::new(self.shared.channel.clone())
            .max_encoding_message_size(MESSAGE_LIMIT)
            .enqueue(ReceiverStream::new(outbound))
            .await?;
        let features = Features::announced(response.metadata());
        let responses = response.into_inner();
        self.shared.features.send_replace(Some(features));
        let live = Arc::new(Live {
            requests,
            features,
            ended: Notify::new(),
            waiting: Mutex::new(Waiting {
                next_tag: 0,
                answers: Some(HashMap::new()),
            }),
        });
        // The reader keeps only a weak hold: when the last Enqueuer goes, the stream ends.
        tokio::spawn(read_answers(Arc::downgrade(&live), responses));
        *slot = Some(Arc::clone(&live));
        Ok(live)
    }
}

impl Live {
    fn is_broken(&self) -> bool {
        self.requests.is_closed() || self.lock().answers.is_none()
    }

    async fn ended(&self) {
        let ended = self.ended.notified();
        if !self.is_broken() {
            ended.await;
        }
    }

    fn expect_answer(
        &self,
        answer: oneshot::Sender<Result<Accepted, EnqueueError>>,
    ) -> Result<u64, EnqueueError> {
        let mut waiting = self.lock();
        let tag = waiting.next_tag;
        waiting.next_tag += 1;
        let answers = waiting.answers.as_mut().ok_or_else(stream_ended)?;
        answers.insert(tag, answer);
        Ok(tag)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what our clock shows, where the submission has times by it.
fn tell_clock(submission: &mut Submission, now_ms: i64) {
    let options = submission.options.as_ref();
    let has_deadline = options.is_some_and(|options| options.deliver_by.is_some());
    if submission.clock_ms == 0 && (submission.hold_until_ms != 0 || has_deadline) {
        submission.clock_ms = now_ms;
    }
}

/// Hands each answer to whoever waits for it, until the stream ends; then nobody waits for ever.
async fn read_answers(live: std::sync::Weak<Live>, mut responses: Streaming<EnqueueResponse>) {
    let end = loop {
        match responses.message().await {
            Ok(Some(response)) => {
                let Some(live) = live.upgrade() else { return };
                deliver_answer(&live, response);
            }
            Ok(None) => break None,
            Err(status) => break Some(status),
        }
    };
    let Some(live) = live.upgrade() else { return };
    let orphans = live.lock().answers.take().unwrap_or_default();
    live.ended.notify_waiters();
    for answer in orphans.into_values() {
        let error = end.clone().map_or_else(stream_ended, |status| {
            EnqueueError::Unavailable(format!("{}: {}", status.code(), status.message()))
        });
        let _ = answer.send(Err(error));
    }
}

fn deliver_answer(live: &Live, response: EnqueueResponse) {
    let answer = live
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
    // Whoever asked may have given up.
    let _ = answer.send(result);
}

fn stream_ended() -> EnqueueError {
    EnqueueError::Unavailable("the stream to the queue ended".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::v1::{DeliverBy, DeliveryOptions};

    #[test]
    fn what_our_clock_shows_is_told_with_times_by_it_and_only_then() {
        let plain = Submission {
            options: Some(DeliveryOptions {
                priority: 3,
                ..DeliveryOptions::default()
            }),
            ..Submission::default()
        };
        let held = Submission {
            hold_until_ms: 5,
            ..Submission::default()
        };
        let by_then = Submission {
            options: Some(DeliveryOptions {
                deliver_by: Some(DeliverBy::default()),
                ..DeliveryOptions::default()
            }),
            ..Submission::default()
        };
        for (mut submission, told) in [(plain, 0), (held, 7), (by_then, 7)] {
            tell_clock(&mut submission, 7);
            assert_eq!(submission.clock_ms, told);
        }
    }
}
