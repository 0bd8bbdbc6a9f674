//! The kernel's choice of a local address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Any port: connecting a UDP socket sends nothing.
const PORT: u16 = 25;

/// The local address from which the kernel would send to `peer`, by all its routes. `None` if no route leads
/// there.
pub fn local_address_towards(peer: IpAddr) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    let any: IpAddr = match peer {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((peer, PORT)).ok()?;
    let local = socket.local_addr().ok()?.ip();
    (!local.is_unspecified()).then_some(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_from_itself() {
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        assert_eq!(local_address_towards(here), Some(here));
        let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped().into();
        assert_eq!(local_address_towards(mapped), Some(here));
    }
}
