//! Submitting to the queue: a stream to each of its replicas, shared by everything in a process that
//! enqueues.
//!
//! A stream of requests costs a fifth of what single calls cost, and it lets the queue commit
//! what arrives together together. Each message goes down the stream that has the fewest on their way. The
//! streams are opened when the first message comes, and again after they broke; to a replica that comes
//! later, only while they are kept open ([`Enqueuer::stay_open`]). As one opens, the replica at its other
//! end says what it understands: what it does not is not given to it ([`crate::queue_features`]).

mod stream;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use channel::Channel;
use prost::Message as _;
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::queue::v1::{Accepted, Submission};
use crate::queue_features::Features;
use crate::refusals::now_ms;
use streams::Streams;

/// How long a submission may take before its outcome counts as unknown.
const PATIENCE: Duration = Duration::from_secs(60);

/// One submission: 256 KiB of text, 128 KiB of header, 2 MiB of summary and 10,000 recipients,
/// unless all of those have the longest addresses there are.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

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

/// A handle for submitting messages; clones share the streams.
#[derive(Clone)]
pub struct Enqueuer {
    streams: Arc<Streams>,
}

impl Enqueuer {
    /// Submits over `channel`, which leads to the queue service.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self {
            streams: Arc::new(Streams::new(channel)),
        }
    }

    /// Keeps streams open until `shutdown`, so that [`features`](Self::features) is known before the
    /// first message comes, and soon after the queue has been replaced.
    pub fn stay_open(&self, shutdown: CancellationToken) {
        let streams = Arc::clone(&self.streams);
        tokio::spawn(shutdown.run_until_cancelled_owned(streams.keep_open()));
    }

    /// What the queue understands, as one of its replicas said last; `None` until it has been reached. A
    /// message goes to a replica that understands what it needs, or to none.
    #[must_use]
    pub fn features(&self) -> Option<Features> {
        self.streams.features()
    }

    /// Waits until the queue has been reached.
    pub async fn reached(&self) {
        self.streams.reached().await;
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

/// Says what our clock shows, where the submission has times by it.
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
