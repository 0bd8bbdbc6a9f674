//! Accepts connections, also when the process or the system has no file descriptors left: then an idle
//! connection is displaced. If none can be, a reserve descriptor is used to refuse new clients, so that
//! they do not wait in the kernel's queue without an answer.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::serving::refuse;
use crate::slots::Slots;

/// Pause after an accept failed for want of descriptors: other connections close meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// Pause after another failure, of which there may be many in a row.
const MOMENT: Duration = Duration::from_millis(1);

/// Interval of log lines while it lasts.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// The accepting side of a listener.
pub(crate) struct Entrance {
    listener: TcpListener,
    slots: Slots,
    busy: &'static [u8],
    /// Closed for a moment to refuse a client when there is no other descriptor.
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

    /// The next connection. Cancel-safe.
    pub(crate) async fn next(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            self.slots.settled().await;
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if is_exhausted(&error) => {
                    self.trouble.note(&error, Instant::now());
                    self.find_a_descriptor().await;
                }
                // Errors of a single connection (accept(2)).
                Err(error) => {
                    tracing::debug!(%error, "a connection was lost before it was accepted");
                    tokio::time::sleep(MOMENT).await;
                }
            }
        }
    }

    async fn find_a_descriptor(&mut self) {
        if self.slots.make_room(Instant::now()) {
            // A displaced connection needs a moment for its last message.
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

/// Whether the process or the system has no descriptors or memory for another connection.
fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        number,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

/// Rate-limits the log line.
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
