//! Whether the peer is still there while it waits for this side.

use std::pin::pin;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::time::{Instant, sleep};

use super::Connection;
use crate::SessionError;

/// How often it is looked: most answers are there before.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How often a peer that has said that it will send nothing more is tried.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// What the system knows of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    /// It will send nothing more (FIN); it may have gone, or wait for what it has asked for.
    Silent,
    /// It takes nothing more (RST).
    Gone,
}

impl Connection {
    /// Runs `work`, for whose result the peer waits, and ends with [`SessionError::Closed`] when the
    /// peer has gone: nothing of `work` is wanted any more. A peer that closes looks like one that has
    /// only said all it wanted to say; so it is sent `probe`, which must be of no consequence to it,
    /// and whoever has gone refuses that. Without a probe only a reset is noticed.
    pub async fn while_there<T>(
        &mut self,
        probe: &[u8],
        work: impl Future<Output = T>,
    ) -> Result<T, SessionError> {
        let mut work = pin!(work);
        let mut tried: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = sleep(LOOK_EVERY) => {}
            }
            match self.presence() {
                Presence::There => {}
                Presence::Gone => return Err(SessionError::Closed),
                Presence::Silent => {
                    let due = tried.is_none_or(|tried| tried.elapsed() >= TRY_EVERY);
                    if due && !probe.is_empty() {
                        self.write(probe).await?;
                        tried = Some(Instant::now());
                    }
                }
            }
        }
    }

    fn presence(&self) -> Presence {
        let Some(socket) = self.stream.socket() else {
            return Presence::Gone;
        };
        let mut events = [PollFd::new(socket, PollFlags::RDHUP)];
        let now = Default::default();
        // What cannot be found out ends nothing.
        if poll(&mut events, Some(&now)).is_err() {
            return Presence::There;
        }
        let found = events[0].revents();
        if found.intersects(PollFlags::HUP | PollFlags::ERR) {
            Presence::Gone
        } else if found.contains(PollFlags::RDHUP) {
            Presence::Silent
        } else {
            Presence::There
        }
    }
}
