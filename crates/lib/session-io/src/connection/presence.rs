//! Detects that the peer has closed while it waits for this side.

use std::pin::pin;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::time::{Instant, sleep};

use super::Connection;
use crate::SessionError;

/// Checking interval: most answers are ready earlier.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Probing interval for a peer that has closed its sending side.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// The kernel's knowledge about the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    /// It has closed its sending side (FIN); it may be gone, or wait for its answer.
    Silent,
    /// It has reset the connection (RST).
    Gone,
}

impl Connection {
    /// Runs `work`, whose result the peer waits for, and returns [`SessionError::Closed`] if the peer is
    /// gone and the result is useless. A closed peer looks like one that has only finished sending. So it
    /// is sent `probe`, which must have no effect on a waiting peer, and which a closed peer rejects.
    /// Without a probe only a reset is noticed.
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
        // A failed check ends nothing.
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
