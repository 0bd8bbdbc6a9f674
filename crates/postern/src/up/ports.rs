//! Which port each listener gets: the well-known one plus a base.

use std::net::{IpAddr, SocketAddr};

use anyhow::bail;

/// The base unless told otherwise: an ordinary user may not open ports below 1024.
const DEFAULT_BASE: u16 = 2000;

/// The highest well-known port that a base is added to.
const HIGHEST: u16 = METRICS + 10;

/// Metrics have no well-known port; Prometheus' exporters begin here.
const METRICS: u16 = 9100;

/// Address and base of all listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    address: IpAddr,
    base: u16,
}

impl Ports {
    /// What the command line asks for; nothing when it does not name either.
    pub(super) fn asked(
        address: Option<IpAddr>,
        base: Option<u16>,
    ) -> anyhow::Result<Option<Self>> {
        if address.is_none() && base.is_none() {
            return Ok(None);
        }
        let ports = Self {
            address: address.unwrap_or(super::DEFAULT_ADDRESS),
            base: base.unwrap_or(DEFAULT_BASE),
        };
        if ports.base > u16::MAX - HIGHEST {
            bail!(
                "--port-base {} is too high: the largest is {}",
                ports.base,
                u16::MAX - HIGHEST
            );
        }
        Ok(Some(ports))
    }

    /// Where a well-known port is found.
    pub(super) fn at(self, well_known: u16) -> SocketAddr {
        SocketAddr::new(self.address, self.base + well_known)
    }

    /// Where the metrics of the `n`th service are found: on this machine only.
    pub(super) fn metrics(self, n: u16) -> SocketAddr {
        SocketAddr::new(super::DEFAULT_ADDRESS, self.base + METRICS + n)
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            address: super::DEFAULT_ADDRESS,
            base: DEFAULT_BASE,
        }
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
    fn nothing_asked_leaves_it_to_the_file_and_too_much_is_refused() {
        assert_eq!(Ports::asked(None, None).unwrap(), None);
        assert!(Ports::asked(None, Some(60_000)).is_err());
        assert!(Ports::asked(None, Some(56_425)).is_ok());
    }
}
