//! Whether an address is one of this machine.

use std::net::{IpAddr, Ipv6Addr, UdpSocket};

use crate::remote::hops::SMTP;

/// Connecting a UDP socket sends nothing, but the system looks for a route between the addresses.
pub(super) fn is_this_machine(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let from = match address {
        // Binding alone proves nothing: with ip_nonlocal_bind any address can be bound. A route exists only
        // from this machine's addresses.
        IpAddr::V4(_) => address,
        // There is a route from any address. To an address of this machine it begins at that same address
        // (RFC 6724 §5, rule 1).
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = UdpSocket::bind((from, 0)).and_then(|socket| {
        socket.connect((address, SMTP))?;
        socket.local_addr()
    });
    address.is_unspecified()
        || address.is_loopback()
        || source.is_ok_and(|source| source.ip() == address)
}
