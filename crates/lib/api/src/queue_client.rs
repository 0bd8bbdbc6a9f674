//! Submitting to the queue: a stream to each of its replicas, shared by everything in a process that
//! enqueues.
//!
//! A stream of requests costs a fifth of single calls, and lets the queue commit together what arrives
//! together. Each message goes to the stream with the fewest submissions in progress. The streams are
//! opened for the first message and again after they broke; streams to new replicas are opened only if the
//! streams are kept open ([`Enqueuer::stay_open`]). When a stream opens, the replica announces its
//! features, and receives only submissions that it understands ([`crate::queue_features`]).

mod stream;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use channel::Channel;
use prost::Message as _;
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::clock::now_ms;
use crate::queue::v1::{Accepted, Submission};
use crate::queue_features::Features;
use streams::Streams;

/// Time limit of a submission; then its outcome is unknown.
const SUBMISSION_TIMEOUT: Duration = Duration::from_secs(60);

/// One submission: 256 KiB of text, 128 KiB of header, 2 MiB of summary and 10,000 recipients, unless all
/// of these have addresses of the maximum length.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// The size of a request without its submission.
const ROOM_FOR_TAG: usize = 32;

/// The reason why a submission was not accepted.
#[derive(Debug, Error)]
pub enum EnqueueError {
    /// A retry may succeed: the queue or its database is unavailable, or its version would drop a part of
    /// the submission. The outcome may be unknown: the message may be committed although the answer was
    /// lost.
    #[error("the queue cannot take messages now: {0}")]
    Unavailable(String),
    /// A retry will fail too: the submission breaks a limit or a rule of the queue.
    #[error("the queue refused the message: {0}")]
    Refused(String),
}

impl EnqueueError {
    /// Whether a later retry may succeed.
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

/// A handle for submitting messages; clones share the streams.
#[derive(Clone)]
pub struct Enqueuer {
    streams: Arc<Streams>,
}

impl Enqueuer {
    /// Submits over `channel` to the queue.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self {
            streams: Arc::new(Streams::new(channel)),
        }
    }

    /// Keeps streams open until `shutdown`, so that [`features`](Self::features) is known before the first
    /// message, and soon after the queue has been replaced.
    pub fn stay_open(&self, shutdown: CancellationToken) {
        let streams = Arc::clone(&self.streams);
        tokio::spawn(shutdown.run_until_cancelled_owned(streams.keep_open()));
    }

    /// The features last announced by a replica; `None` before the first connection. A message goes only to
    /// a replica with the features that it needs.
    #[must_use]
    pub fn features(&self) -> Option<Features> {
        self.streams.features()
    }

    /// Waits for the first connection to the queue.
    pub async fn reached(&self) {
        self.streams.reached().await;
    }

    /// Submits one message and waits until the queue has committed it (invariant I1).
    ///
    /// # Errors
    /// [`EnqueueError::Unavailable`] if the queue cannot be reached, its database is unavailable, no answer
    /// came within 60 s, or the queue lacks a needed feature; [`EnqueueError::Refused`] if it will never
    /// accept this message.
    pub async fn enqueue(&self, submission: Submission) -> Result<Accepted, EnqueueError> {
        tokio::time::timeout(SUBMISSION_TIMEOUT, self.submit(submission))
            .await
            .unwrap_or_else(|_| {
                Err(EnqueueError::Unavailable(format!(
                    "no answer within {} s",
                    SUBMISSION_TIMEOUT.as_secs()
                )))
            })
    }

    async fn submit(&self, mut submission: Submission) -> Result<Accepted, EnqueueError> {
        tell_clock(&mut submission, now_ms());
        // An oversized request would end the stream with all submissions on it.
        let octets = submission.encoded_len();
        if octets > MESSAGE_LIMIT - ROOM_FOR_TAG {
            return Err(EnqueueError::Refused(format!(
                "with {octets} octets besides its text it is larger than the queue takes"
            )));
        }
        let needed = Features::needed(&submission);
        let stream = self.streams.open(needed).await?;
        if let Some(missing) = stream.features().lacks(needed) {
            return Err(EnqueueError::Unavailable(format!(
                "it is of an older version, which does not know what this message needs ({missing}); \
                 bring all of its processes up to date"
            )));
        }
        stream.submit(submission).await
    }
}

/// Adds our clock's time if the submission has times by that clock.
fn tell_clock(submission: &mut Submission, now_ms: i64) {
    let options = submission.options.as_ref();
    let has_deadline = options.is_some_and(|options| options.deliver_by.is_some());
    if submission.clock_ms == 0 && (submission.hold_until_ms != 0 || has_deadline) {
        submission.clock_ms = now_ms;
    }
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
