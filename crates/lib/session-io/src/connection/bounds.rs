//! What ends a wait for the peer.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::SessionError;
use crate::slot::{Slot, SlotState};

/// How long one that was displaced may take for what it is told: it holds a descriptor meanwhile.
const LAST_WORD: Duration = Duration::from_millis(200);

/// See the module.
pub(super) struct Bounds {
    pub(super) patience: Duration,
    pub(super) shutdown: CancellationToken,
    /// Given to another client when there are too many.
    pub(super) slot: Option<Box<dyn Slot>>,
    /// It was, and the session knows. The slot is kept to the connection's end, so that it counts as
    /// one that is leaving.
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

    /// The slot, as long as it is there to lose.
    pub(super) fn slot_state(&self) -> Option<Arc<SlotState>> {
        let slot = self.slot.as_ref().filter(|_| !self.sent_away);
        slot.map(|slot| Arc::clone(slot.state()))
    }

    /// An error, once, when the slot has been given away.
    pub(super) fn check_slot(&mut self) -> Result<(), SessionError> {
        if self.slot_state().is_some_and(|slot| slot.is_displaced()) {
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
    /// for `rest`. Meanwhile the slot is offered to others.
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

/// Completes when the slot, if there is one, has become somebody else's.
pub(super) async fn displaced(slot: Option<&SlotState>) {
    match slot {
        Some(slot) => slot.displaced().await,
        None => std::future::pending().await,
    }
}
