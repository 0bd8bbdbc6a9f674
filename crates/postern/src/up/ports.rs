//! The port of each listener: the well-known one plus a base.

use std::net::{IpAddr, SocketAddr};

use anyhow::bail;

/// The default base: an ordinary user may not open ports below 1024.
const DEFAULT_BASE: u16 = 2000;

/// The highest well-known port.
const HIGHEST: u16 = METRICS + 10;

/// Metrics have no well-known port; Prometheus exporters start here.
const METRICS: u16 = 9100;

/// Address and base of all listeners, if given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ports {
    address: Option<IpAddr>,
    base: Option<u16>,
}

impl Ports {
    /// The values of the command line; none if it gives neither.
    pub(super) fn asked(
        address: Option<IpAddr>,
        base: Option<u16>,
    ) -> anyhow::Result<Option<Self>> {
        if address.is_none() && base.is_none() {
            return Ok(None);
        }
        if let Some(base) = base.filter(|base| *base > u16::MAX - HIGHEST) {
            bail!(
                "--port-base {base} is too high: the largest is {}",
                u16::MAX - HIGHEST
            );
        }
        Ok(Some(Self { address, base }))
    }

    /// The address for a well-known port.
    pub(super) fn at(self, well_known: u16) -> SocketAddr {
        let address = self.address.unwrap_or(super::DEFAULT_ADDRESS);
        SocketAddr::new(address, self.base.unwrap_or(DEFAULT_BASE) + well_known)
    }

    /// The new address of a listener at `old`: values not given stay.
    pub(super) fn moved(self, well_known: u16, old: SocketAddr) -> SocketAddr {
        let port = self.base.map_or(old.port(), |base| base + well_known);
        SocketAddr::new(self.address.unwrap_or(old.ip()), port)
    }

    /// The metrics address of the `n`th service: only on this machine.
    pub(super) fn metrics(self, n: u16) -> SocketAddr {
        let here = Self {
            address: None,
            ..self
        };
        here.at(METRICS + n)
    }

    /// The new metrics address of a service at `old`.
    pub(super) fn metrics_moved(self, n: u16, old: SocketAddr) -> SocketAddr {
        SocketAddr::new(old.ip(), self.moved(METRICS + n, old).port())
    }
}

/// Reports a port in use before a database is created, and before seven logs report it.
pub(super) fn ensure_free(addresses: &[SocketAddr]) -> anyhow::Result<()> {
    addresses.iter().try_for_each(|address| free(*address))
}

fn free(address: SocketAddr) -> anyhow::Result<()> {
    use std::io::ErrorKind;
    match std::net::TcpListener::bind(address).map_err(|error| error.kind()) {
        Ok(_) => Ok(()),
        Err(ErrorKind::AddrInUse) => {
            bail!("somebody else listens on {address}; choose other ports with --port-base")
        }
        Err(ErrorKind::PermissionDenied) => {
            bail!("{address} needs root; choose ports above 1023 with --port-base")
        }
        Err(kind) => bail!("cannot listen on {address}: {kind}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::Ports;

    #[test]
    fn ports_are_the_well_known_one_plus_the_base() {
        assert_eq!(Ports::default().at(25).to_string(), "127.0.0.1:2025");
        let real = Ports::asked(Some("::".parse().unwrap()), Some(0))
            .unwrap()
            .unwrap();
        assert_eq!(real.at(993).to_string(), "[::]:993");
        assert_eq!(real.metrics(1).to_string(), "127.0.0.1:9101");
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let refused = super::ensure_free(&[address]).unwrap_err().to_string();
        assert!(refused.contains(&address.to_string()), "{refused}");
    }

    #[test]
    fn nothing_asked_leaves_it_to_the_file_and_too_much_is_refused() {
        assert_eq!(Ports::asked(None, None).unwrap(), None);
        assert!(Ports::asked(None, Some(60_000)).is_err());
        assert!(Ports::asked(None, Some(56_425)).is_ok());
    }
}
