//! Ports that the system gives.

use std::net::{Ipv4Addr, TcpListener};

/// A TCP port on 127.0.0.1 that nobody listened on just now. Where a server can take port 0 itself, let it.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("binding a port of the system's choice on 127.0.0.1")
        .port()
}
