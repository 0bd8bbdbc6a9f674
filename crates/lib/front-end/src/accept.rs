//! Accepting, also where the process or the system has no descriptors left: then whoever is of no use
//! makes room, and where nobody does, a descriptor in reserve serves to send newcomers away. Nobody is
//! left in the system's queue without a word for as long as that lasts.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::serving::refuse;
use crate::slots::Slots;

/// After an accept that failed for want of descriptors: time for others to be closed.
const PAUSE: Duration = Duration::from_millis(100);

/// After one that failed for another reason, of which there may be many in a row.
const MOMENT: Duration = Duration::from_millis(1);

/// How often the log tells of it while it lasts.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// A listener's way in.
pub(crate) struct Entrance {
    listener: TcpListener,
    slots: Slots,
    busy: &'static [u8],
    /// Closed for a moment when a newcomer must be sent away and there is no other descriptor.
    reserve: Option<File>,
    trouble: Trouble,
}

impl Entrance {
    pub(crate) fn new(listener: TcpListener, slots: Slots, busy: &'static [u8]) -> Self {
        Self {
            listener,
            slots,
            busy,
            reserve: reserve(),
            trouble: Trouble::default(),
        }
    }

    /// The next newcomer. May be cancelled.
    pub(crate) async fn next(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            self.slots.settled().await;
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_exhausted(&error) => {
                    self.trouble.note(&error, Instant::now());
                    self.find_a_descriptor().await;
                }
                // Errors of the one connection that would have come next (accept(2)).
                Err(error) => {
                    tracing::debug!(%error, "a connection was lost before it was accepted");
                    tokio::time::sleep(MOMENT).await;
                }
            }
        }
    }

    async fn find_a_descriptor(&mut self) {
        if self.slots.make_room(Instant::now()) {
            // Whoever leaves has a moment for what it is told.
            let _ = timeout(PAUSE, self.slots.one_left()).await;
            return;
        }
        if self.reserve.take().is_some()
            && let Ok(Ok((socket, peer))) = timeout(Duration::ZERO, self.listener.accept()).await
        {
            refuse(&socket, peer, self.busy);
        } else {
            tokio::time::sleep(PAUSE).await;
        }
        self.reserve = reserve();
    }
}

fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Whether the process or the system has no descriptors or no memory left for another connection.
fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        number,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

/// Says it in the log once in a while, not with every attempt.
#[derive(Default)]
struct Trouble {
    told_at: Option<Instant>,
    since_then: u64,
}

impl Trouble {
    fn note(&mut self, error: &io::Error, now: Instant) {
        metrics::counter!("postern_accepts_failed_total").increment(1);
        self.since_then += 1;
        if self.told_at.is_some_and(|told| now < told + TOLD_EVERY) {
            return;
        }
        tracing::warn!(
            %error,
            attempts = self.since_then,
            "no more connections can be opened; idle ones make room (raise the limit of open files: `ulimit -Hn`, LimitNOFILE)"
        );
        (self.told_at, self.since_then) = (Some(now), 0);
    }
}
