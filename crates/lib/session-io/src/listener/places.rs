//! The counted places of a listener.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Places for connections, in all and by address.
#[derive(Clone)]
pub(crate) struct Places {
    total: usize,
    per_address: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    by_network: HashMap<IpAddr, usize>,
}

/// A place; it is free again when this is dropped.
pub(crate) struct Place {
    network: IpAddr,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    pub(crate) fn new(total: usize, per_address: usize) -> Self {
        Self {
            total,
            per_address,
            taken: Arc::default(),
        }
    }

    /// A place for a connection from `address`, where there is one.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Place> {
        let network = network(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.total >= self.total {
            return None;
        }
        let here = taken.by_network.entry(network).or_default();
        if *here >= self.per_address {
            return None;
        }
        *here += 1;
        taken.total += 1;
        metrics::gauge!("postern_connections").increment(1.0);
        Some(Place {
            network,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total -= 1;
        if let Some(here) = taken.by_network.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                taken.by_network.remove(&self.network);
            }
        }
        metrics::gauge!("postern_connections").decrement(1.0);
    }
}

/// What counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_ends() {
        let places = Places::new(10, 1);
        let first = places.take(ip("192.0.2.1")).unwrap();
        assert!(places.take(ip("192.0.2.1")).is_none());
        assert!(places.take(ip("::ffff:192.0.2.1")).is_none());
        drop(first);
        assert!(places.take(ip("192.0.2.1")).is_some());
        assert!(places.taken.lock().unwrap().by_network.is_empty());
    }

    #[test]
    fn an_ipv6_customer_has_one_network() {
        let places = Places::new(10, 1);
        let _first = places.take(ip("2001:db8:1:2::1")).unwrap();
        assert!(places.take(ip("2001:db8:1:2:ffff::9")).is_none());
        assert!(places.take(ip("2001:db8:1:3::1")).is_some());
    }

    #[test]
    fn the_total_holds_for_all() {
        let places = Places::new(2, 2);
        let _first = places.take(ip("192.0.2.1")).unwrap();
        let _second = places.take(ip("192.0.2.2")).unwrap();
        assert!(places.take(ip("192.0.2.3")).is_none());
    }
}
