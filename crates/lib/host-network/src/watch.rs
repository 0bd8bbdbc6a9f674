//! The network as it is now.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SocketFlags, recv};

use crate::dump;
use crate::snapshot::Snapshot;

/// RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE.
const CHANGES: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// A router's table may change all the time: it is not read more often than this.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Where the kernel tells no changes, it is asked that often.
const UNTOLD: Duration = Duration::from_secs(2);

/// Looks when asked, and only if something has changed: it has no thread and no timer of its own.
pub struct HostNetwork {
    state: Mutex<State>,
}

struct State {
    /// Where the kernel tells changes; none where it does not.
    changes: Option<OwnedFd>,
    changed: bool,
    read: Instant,
    now: Arc<Snapshot>,
}

impl HostNetwork {
    /// Begins to watch. What cannot be read is tried again when asked.
    pub fn watch() -> Self {
        // First to listen, then to look: nothing is missed between.
        let changes = dump::socket(CHANGES, SocketFlags::NONBLOCK);
        let changes = changes
            .inspect_err(|error| tracing::warn!(%error, "changes of the network are not told"))
            .ok();
        let (now, changed) = look();
        Self {
            state: Mutex::new(State {
                changes,
                changed,
                read: Instant::now(),
                now,
            }),
        }
    }

    /// The network now; at most a second late.
    pub fn current(&self) -> Arc<Snapshot> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let age = state.read.elapsed();
        state.changed |= match &state.changes {
            Some(socket) => heard(socket),
            None => age >= UNTOLD,
        };
        if state.changed && age >= AT_MOST_EVERY {
            (state.now, state.changed) = look();
            state.read = Instant::now();
        }
        Arc::clone(&state.now)
    }
}

/// What there is, and whether to look again.
fn look() -> (Arc<Snapshot>, bool) {
    match Snapshot::read() {
        Ok(snapshot) => (Arc::new(snapshot), false),
        Err(error) => {
            warn(&error);
            (Arc::default(), true)
        }
    }
}

fn warn(error: &io::Error) {
    tracing::warn!(%error, "the network cannot be read: nobody is trusted for where they are");
}

/// Whether the kernel has told a change since it was last asked. All that is there is taken.
fn heard(socket: &OwnedFd) -> bool {
    let mut told = false;
    let mut buffer = [0; 4096];
    loop {
        match recv(socket, &mut buffer[..], RecvFlags::empty()) {
            Ok(_) => told = true,
            Err(Errno::AGAIN) => return told,
            Err(Errno::INTR) => {}
            // There was more than the socket holds (ENOBUFS): something has changed.
            Err(Errno::NOBUFS) => told = true,
            Err(_) => return true,
        }
    }
}
