//! The current network.

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
/// Minimum interval between reads: a router's table may change all the time.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Interval between reads if the kernel reports no changes.
const UNTOLD: Duration = Duration::from_secs(2);

/// Reads on request, and only after a change: it has no thread and no timer.
pub struct HostNetwork {
    state: Mutex<State>,
}

struct State {
    /// Receives changes from the kernel; none if that is not possible.
    changes: Option<OwnedFd>,
    changed: bool,
    read: Instant,
    now: Arc<Snapshot>,
}

impl HostNetwork {
    /// Starts to watch. A failed read is repeated on request.
    pub fn watch() -> Self {
        // Subscribes before the first read, so that no change is missed.
        let changes = dump::socket(CHANGES, SocketFlags::NONBLOCK);
        let changes = changes
            .inspect_err(|error| tracing::warn!(%error, "the kernel reports no network changes; the interfaces are polled instead"))
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

    /// The current network; at most a second old.
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

/// Reads the network, and whether another read is needed.
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
    tracing::warn!(%error, "the network interfaces cannot be read: no client is trusted for its network");
}

/// Whether the kernel has reported a change since the last call. Drains the socket.
fn heard(socket: &OwnedFd) -> bool {
    let mut told = false;
    let mut buffer = [0; 4096];
    loop {
        match recv(socket, &mut buffer[..], RecvFlags::empty()) {
            Ok(_) => told = true,
            Err(Errno::AGAIN) => return told,
            Err(Errno::INTR) => {}
            // The socket's buffer overflowed (ENOBUFS): something has changed.
            Err(Errno::NOBUFS) => told = true,
            Err(_) => return true,
        }
    }
}
