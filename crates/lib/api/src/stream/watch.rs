//! Events of a service, over a stream that is opened again whenever it ends.

use futures::StreamExt as _;
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use super::{Attempts, Backoff, Responses, ended};

/// An event of a watch.
#[derive(Debug)]
pub enum WatchEvent<T> {
    /// A stream has been opened: from now on no event is missed.
    Opened,
    /// A message has arrived.
    Received(T),
    /// The stream has ended or could not be opened: events may be missed until the next one is opened.
    Ended(Status),
}

/// A stream that is opened again whenever it ends, with its pauses.
pub struct Watch<T> {
    open: Box<dyn FnMut() -> Opening<T> + Send>,
    attempts: Attempts,
    state: State<T>,
}

type Opening<T> = BoxFuture<'static, Result<Responses<T>, Status>>;

enum State<T> {
    Waiting(Instant),
    Opening(Opening<T>),
    Open(Responses<T>),
}

impl<T> Watch<T> {
    /// Opens streams with `open`: the first at once, later ones after pauses.
    pub fn new<F>(backoff: Backoff, mut open: impl FnMut() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<tonic::Response<tonic::Streaming<T>>, Status>> + Send + 'static,
        T: Send + 'static,
    {
        Self::of_streams(backoff, move || {
            let opening = open();
            Box::pin(async move { Ok(opening.await?.into_inner().boxed()) })
        })
    }

    fn of_streams(backoff: Backoff, open: impl FnMut() -> Opening<T> + Send + 'static) -> Self {
        Self {
            open: Box::new(open),
            attempts: Attempts::new(backoff),
            state: State::Waiting(Instant::now()),
        }
    }

    /// Waits for the next event. Cancel-safe.
    pub async fn next(&mut self) -> WatchEvent<T> {
        loop {
            match &mut self.state {
                State::Waiting(until) => {
                    sleep_until(*until).await;
                    self.state = State::Opening((self.open)());
                }
                State::Opening(opening) => match opening.await {
                    Ok(stream) => {
                        self.attempts.opened();
                        self.state = State::Open(stream);
                        return WatchEvent::Opened;
                    }
                    Err(status) => return self.ended(status),
                },
                State::Open(stream) => match stream.next().await {
                    Some(Ok(received)) => {
                        self.attempts.received();
                        return WatchEvent::Received(received);
                    }
                    Some(Err(status)) => return self.ended(status),
                    None => return self.ended(ended()),
                },
            }
        }
    }

    fn ended(&mut self, status: Status) -> WatchEvent<T> {
        self.state = State::Waiting(self.attempts.ended());
        WatchEvent::Ended(status)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use futures::stream;

    use super::*;

    const SHORTEST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_millis(800);

    /// The messages of one attempt; `None` if it fails.
    type Script = Option<Responses<u32>>;

    fn watch(attempts: impl IntoIterator<Item = Script>) -> Watch<u32> {
        let mut attempts: VecDeque<Script> = attempts.into_iter().collect();
        Watch::of_streams(Backoff::new(SHORTEST, LONGEST), move || {
            let attempt = attempts.pop_front().flatten();
            Box::pin(async move { attempt.ok_or_else(|| Status::unavailable("away")) })
        })
    }

    fn saying(numbers: &[u32]) -> Script {
        let numbers: Vec<_> = numbers.iter().map(|number| Ok(*number)).collect();
        Some(stream::iter(numbers).boxed())
    }

    fn silent_for(time: Duration) -> Script {
        let silence = async move {
            tokio::time::sleep(time).await;
            Err(Status::unavailable("gone"))
        };
        Some(stream::once(silence).boxed())
    }

    /// The pause before the next attempt.
    async fn pause(watch: &mut Watch<u32>) -> Duration {
        let begun = Instant::now();
        let State::Waiting(until) = watch.state else {
            panic!("it does not wait");
        };
        until - begun
    }

    async fn ended(watch: &mut Watch<u32>) {
        while !matches!(watch.next().await, WatchEvent::Ended(_)) {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_ends_is_opened_again_and_goes_on() {
        let mut watch = watch([saying(&[1, 2]), None, saying(&[3])]);
        let mut seen = String::new();
        for _ in 0..8 {
            seen += &match watch.next().await {
                WatchEvent::Opened => "opened ".to_owned(),
                WatchEvent::Received(number) => format!("{number} "),
                WatchEvent::Ended(_) => "ended ".to_owned(),
            };
        }
        assert_eq!(seen, "opened 1 2 ended ended opened 3 ended ");
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_while_it_fails_and_are_short_after_a_good_stream() {
        let attempts = [None, None, None, None, None, saying(&[]), saying(&[1])];
        let mut watch = watch(attempts.into_iter().chain([silent_for(LONGEST * 2)]));
        for whole in [1, 2, 4, 8, 8, 8].map(|times| SHORTEST * times) {
            ended(&mut watch).await;
            let pause = pause(&mut watch).await;
            assert!(pause >= whole / 2 && pause <= whole, "{pause:?}");
        }
        // One delivered a message; the other lasted long.
        for _ in 0..2 {
            ended(&mut watch).await;
            let pause = pause(&mut watch).await;
            assert!(pause <= SHORTEST, "{pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_may_be_broken_off_at_any_time() {
        let mut watch = watch([None, silent_for(SHORTEST)]);
        let mut ends = 0;
        for _ in 0..100 {
            let next = tokio::time::timeout(Duration::from_millis(7), watch.next());
            if let Ok(WatchEvent::Ended(_)) = next.await {
                ends += 1;
            }
        }
        assert!(ends >= 2, "{ends}");
    }
}
