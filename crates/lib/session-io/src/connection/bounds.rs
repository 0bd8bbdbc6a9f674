//! What ends a wait for the peer.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::SessionError;
use crate::listener::{Place, Seat};

/// See the module.
pub(super) struct Bounds {
    pub(super) patience: Duration,
    pub(super) shutdown: CancellationToken,
    /// Given to another client when there are too many.
    pub(super) place: Option<Place>,
}

impl Bounds {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            shutdown: CancellationToken::new(),
            place: None,
        }
    }

    pub(super) fn seat(&self) -> Option<Arc<Seat>> {
        self.place.as_ref().map(|place| Arc::clone(place.seat()))
    }

    /// Runs `work`, which waits for the peer, as long as that may be waited for; from a shutdown on
    /// for `rest`.
    pub(super) async fn wait<T>(
        &self,
        rest: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, SessionError> {
        let late = async {
            self.shutdown.cancelled().await;
            tokio::time::sleep(rest).await;
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = tokio::time::sleep(self.patience) => Err(SessionError::Timeout),
            () = late => Err(SessionError::ShuttingDown),
            () = displaced(self.place.as_ref().map(|place| &**place.seat())) => {
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
