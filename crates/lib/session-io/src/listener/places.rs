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
    /// None while a proxy has not told for whom it is.
    network: Option<IpAddr>,
    per_address: usize,
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
        let mut place = self.take_for_proxy()?;
        place.move_to(address).then_some(place)
    }

    /// A place for a connection that counts for no address yet.
    pub(crate) fn take_for_proxy(&self) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.total >= self.total {
            return None;
        }
        taken.total += 1;
        metrics::gauge!("postern_connections").increment(1.0);
        Some(Place {
            network: None,
            per_address: self.per_address,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Taken {
    fn leave(&mut self, network: Option<IpAddr>) {
        if let Some(network) = network
            && let Some(here) = self.by_network.get_mut(&network)
        {
            *here -= 1;
            if *here == 0 {
                self.by_network.remove(&network);
            }
        }
    }
}

impl Place {
    /// Counts for `address` from now on; false, and nothing changes, where that has no room.
    pub(crate) fn move_to(&mut self, address: IpAddr) -> bool {
        let network = network(address);
        if self.network == Some(network) {
            return true;
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let there = taken.by_network.get(&network).copied().unwrap_or(0);
        if there >= self.per_address {
            return false;
        }
        taken.by_network.insert(network, there + 1);
        taken.leave(self.network.replace(network));
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total -= 1;
        taken.leave(self.network);
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
    fn a_place_moves_to_the_address_that_a_proxy_tells() {
        let places = Places::new(10, 1);
        let mut one = places.take_for_proxy().unwrap();
        let mut two = places.take_for_proxy().unwrap();
        assert!(one.move_to(ip("192.0.2.1")));
        assert!(one.move_to(ip("192.0.2.1")));
        assert!(!two.move_to(ip("192.0.2.1")));
        assert!(two.move_to(ip("192.0.2.2")));
        assert!(places.take(ip("192.0.2.1")).is_none());
        assert!(one.move_to(ip("192.0.2.3")));
        assert!(places.take(ip("192.0.2.1")).is_some());
        drop((one, two));
        let taken = places.taken.lock().unwrap();
        assert!(taken.by_network.is_empty());
        assert_eq!(taken.total, 0);
    }

    #[test]
    fn the_total_holds_for_all() {
        let places = Places::new(2, 2);
        let _first = places.take(ip("192.0.2.1")).unwrap();
        let _second = places.take(ip("192.0.2.2")).unwrap();
        assert!(places.take(ip("192.0.2.3")).is_none());
    }
}
