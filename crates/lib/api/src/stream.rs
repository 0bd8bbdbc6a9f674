//! Reconnecting streams: [`Watch`] for events of a service, [`TaggedCalls`] for calls answered by tag. Both
//! use the same rule for pauses.
//!
//! A stream that has delivered something, or that lasted longer than the longest pause, resets the pauses:
//! the next attempt follows after the shortest one.

mod answers;
mod tagged;
mod watch;

use futures::stream::BoxStream;
use tokio::time::Instant;
use tonic::Status;

pub use channel::Backoff;
pub use tagged::{Answer, Interrupted, Opened, TaggedCalls};
pub use watch::{Watch, WatchEvent};

/// The responses of a stream.
pub type Responses<T> = BoxStream<'static, Result<T, Status>>;

/// Pauses between streams to one peer.
#[derive(Debug)]
struct Attempts {
    backoff: Backoff,
    /// When the current stream was opened.
    opened: Option<Instant>,
}

impl Attempts {
    fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            opened: None,
        }
    }

    fn opened(&mut self) {
        self.opened = Some(Instant::now());
    }

    fn received(&mut self) {
        self.backoff.reset();
    }

    /// The stream has ended, or none could be opened. Returns the time of the next attempt.
    fn ended(&mut self) -> Instant {
        let lasted = self.opened.take().map(|opened| opened.elapsed());
        if lasted.is_some_and(|lasted| lasted > self.backoff.longest()) {
            self.backoff.reset();
        }
        Instant::now() + self.backoff.pause()
    }
}

/// The status for a stream that ended without one.
fn ended() -> Status {
    Status::unavailable("the other side ended the stream")
}
