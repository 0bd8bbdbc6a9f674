//! Ports to listen on.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range for outgoing connections (32768 and up on Linux): a free port is not taken by a client
/// before the server under test binds it.
const FIRST: u32 = 10_000;
const COUNT: u32 = 20_000;

/// A free TCP port on 127.0.0.1, given to no other test of this process. Prefer port 0 if the server
/// supports it.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Parallel test programs start at different ports.
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let Ok(port) = u16::try_from(FIRST + offset) else {
            continue;
        };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port between {FIRST} and {} is free", FIRST + COUNT);
}
