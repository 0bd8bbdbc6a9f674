//! Streams that are opened again whenever they end: [`Watch`] for what a service sends by itself,
//! [`TaggedCalls`] for calls that are answered by tag. Both know one rule for when that is tried again.
//!
//! A stream was a good one when something has come by it, or when it has lasted longer than the longest pause:
//! then the next attempt follows after the shortest.

mod answers;
mod tagged;
mod watch;

use futures::stream::BoxStream;
use tokio::time::Instant;
use tonic::Status;

pub use channel::Backoff;
pub use tagged::{Answer, Interrupted, Opened, TaggedCalls};
pub use watch::{Watch, WatchEvent};

/// What comes by a stream.
pub type Responses<T> = BoxStream<'static, Result<T, Status>>;

/// Pauses between the streams to one peer.
#[derive(Debug)]
struct Attempts {
    backoff: Backoff,
    /// Since when the stream is open that is now.
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

    /// The stream has ended, or none was opened. Until when to wait.
    fn ended(&mut self) -> Instant {
        let lasted = self.opened.take().map(|opened| opened.elapsed());
        if lasted.is_some_and(|lasted| lasted > self.backoff.longest()) {
            self.backoff.reset();
        }
        Instant::now() + self.backoff.pause()
    }
}

/// How the end of a stream is told that says nothing itself.
fn ended() -> Status {
    Status::unavailable("the other side ended the stream")
}
