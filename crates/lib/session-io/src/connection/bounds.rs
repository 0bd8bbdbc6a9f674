//! The events that end a wait for the peer.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::SessionError;
use crate::slot::{Slot, SlotState};

/// Time limit for the last message to a displaced client: it holds a descriptor meanwhile.
const LAST_WORD: Duration = Duration::from_millis(200);

/// The limits of a connection's waits.
pub(super) struct Bounds {
    pub(super) patience: Duration,
    pub(super) shutdown: CancellationToken,
    /// Given to another client when there are too many connections.
    pub(super) slot: Option<Box<dyn Slot>>,
    /// The slot was taken, and the session knows. It is kept until the connection's end, to count as a
    /// displaced connection that is still open.
    sent_away: bool,
}

impl Bounds {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            shutdown: CancellationToken::new(),
            slot: None,
            sent_away: false,
        }
    }

    /// The slot's state, until the session knows of its loss.
    pub(super) fn slot_state(&self) -> Option<Arc<SlotState>> {
        let slot = self.slot.as_ref().filter(|_| !self.sent_away);
        slot.map(|slot| Arc::clone(slot.state()))
    }

    /// Returns an error, once, when the slot has been given away.
    pub(super) fn check_slot(&mut self) -> Result<(), SessionError> {
        if self.slot_state().is_some_and(|slot| slot.is_displaced()) {
            self.sent_away = true;
            return Err(SessionError::Displaced);
        }
        Ok(())
    }

    /// `time`, or less for a displaced connection.
    pub(super) fn at_most(&self, time: Duration) -> Duration {
        if self.sent_away {
            time.min(LAST_WORD)
        } else {
            time
        }
    }

    /// Runs `work`, which waits for the peer, within its limits; after a shutdown within `rest`. Meanwhile
    /// the connection can be displaced.
    pub(super) async fn wait<T>(
        &mut self,
        rest: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, SessionError> {
        let mut work = pin!(work);
        // Most writes complete at once.
        let at_once = std::future::poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Ready(None),
        });
        if let Some(done) = at_once.await {
            return Ok(done);
        }
        self.check_slot()?;
        let slot = self.slot_state();
        let _offer = slot.clone().map(SlotState::offer);
        let late = async {
            self.shutdown.cancelled().await;
            tokio::time::sleep(rest).await;
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = tokio::time::sleep(self.at_most(self.patience)) => Err(SessionError::Timeout),
            () = late => Err(SessionError::ShuttingDown),
            () = displaced(slot.as_deref()) => {
                self.sent_away = true;
                Err(SessionError::Displaced)
            }
        }
    }
}

/// Completes when the slot, if there is one, has been given away.
pub(super) async fn displaced(slot: Option<&SlotState>) {
    match slot {
        Some(slot) => slot.displaced().await,
        None => std::future::pending().await,
    }
}
