//! Requests complete lists from the kernel.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with,
};

use crate::message::{self, DONE, ERROR, Message};

/// The kernel writes at most half of this at once.
const BUFFER: usize = 64 * 1024;
/// Maximum number of messages in a list: more routes than the Internet has networks.
const LONGEST: usize = 16_000_000;
/// Attempts to read a list that changes during the read.
const ATTEMPTS: usize = 5;
/// Time limit: the kernel answers at once, if at all.
const REPLY_TIMEOUT: Duration = Duration::from_secs(2);

/// A netlink socket subscribed to these groups of changes.
pub(crate) fn socket(groups: u32, flags: SocketFlags) -> io::Result<OwnedFd> {
    // The default protocol is NETLINK_ROUTE, which is 0.
    let flags = flags | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    Ok(socket)
}

/// Reads a list, and starts again if it changed during the read.
pub(crate) fn list<T: Default>(
    kind: u16,
    mut take: impl FnMut(&mut T, Message<'_>),
) -> io::Result<T> {
    for _ in 0..ATTEMPTS {
        let mut list = T::default();
        if list_once(kind, |message| take(&mut list, message))? {
            return Ok(list);
        }
    }
    Err(io::Error::other(
        "the network changes faster than it can be listed",
    ))
}

/// False if the list changed during the read.
fn list_once(kind: u16, mut take: impl FnMut(Message<'_>)) -> io::Result<bool> {
    let socket = socket(0, SocketFlags::empty())?;
    set_socket_timeout(&socket, Timeout::Recv, Some(REPLY_TIMEOUT))?;
    send(&socket, &message::request(kind), SendFlags::empty())?;
    let mut buffer = vec![0; BUFFER];
    let mut whole = true;
    let mut count = 0;
    loop {
        let (_, length) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
        let received = buffer.get(..length).unwrap_or_default();
        let before = count;
        for message in message::messages(received) {
            count += 1;
            whole &= !message.interrupted;
            match message.kind {
                DONE => return Ok(whole),
                ERROR => return Err(io::Error::other("the kernel refuses to list its network")),
                _ => take(message),
            }
        }
        if count == before || count > LONGEST {
            return Err(io::Error::other("the kernel's list cannot be read"));
        }
    }
}
