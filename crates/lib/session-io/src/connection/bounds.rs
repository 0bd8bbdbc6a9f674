//! What ends a wait for the peer.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::SessionError;
use crate::listener::{Place, Seat};

/// How long one that was displaced may take for what it is told: it holds a descriptor meanwhile.
const LAST_WORD: Duration = Duration::from_millis(200);

/// See the module.
pub(super) struct Bounds {
    pub(super) patience: Duration,
    pub(super) shutdown: CancellationToken,
    /// Given to another client when there are too many.
    pub(super) place: Option<Place>,
    /// It was, and the session knows. The place is kept to the connection's end, so that it counts as
    /// one that is leaving.
    sent_away: bool,
}

impl Bounds {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            shutdown: CancellationToken::new(),
            place: None,
            sent_away: false,
        }
    }

    /// The place, as long as it is there to lose.
    pub(super) fn seat(&self) -> Option<Arc<Seat>> {
        let place = self.place.as_ref().filter(|_| !self.sent_away);
        place.map(|place| Arc::clone(place.seat()))
    }

    /// An error, once, when the place has been given away.
    pub(super) fn check_place(&mut self) -> Result<(), SessionError> {
        if self.seat().is_some_and(|seat| seat.is_displaced()) {
            self.sent_away = true;
            return Err(SessionError::Displaced);
        }
        Ok(())
    }

    /// `time`, or less for one that was sent away.
    pub(super) fn at_most(&self, time: Duration) -> Duration {
        if self.sent_away {
            time.min(LAST_WORD)
        } else {
            time
        }
    }

    /// Runs `work`, which waits for the peer, as long as that may be waited for; from a shutdown on
    /// for `rest`. Meanwhile the place is offered to others.
    pub(super) async fn wait<T>(
        &mut self,
        rest: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, SessionError> {
        let mut work = pin!(work);
        // Most writes do not wait.
        let at_once = std::future::poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Ready(None),
        });
        if let Some(done) = at_once.await {
            return Ok(done);
        }
        self.check_place()?;
        let seat = self.seat();
        let _offer = seat.clone().map(Seat::offer);
        let late = async {
            self.shutdown.cancelled().await;
            tokio::time::sleep(rest).await;
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = tokio::time::sleep(self.at_most(self.patience)) => Err(SessionError::Timeout),
            () = late => Err(SessionError::ShuttingDown),
            () = displaced(seat.as_deref()) => {
                self.sent_away = true;
                Err(SessionError::Displaced)
            }
        }
    }
}

/// Completes when the place, if there is one, has become somebody else's.
pub(super) async fn displaced(seat: Option<&Seat>) {
    match seat {
        Some(seat) => seat.displaced().await,
        None => std::future::pending().await,
    }
}
