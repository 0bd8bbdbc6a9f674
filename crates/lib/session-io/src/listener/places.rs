//! The counted places of a listener. When all are taken, a newcomer may get one that another
//! connection has offered: else whoever holds many connections and says nothing on them would keep
//! everybody else out.

mod seat;
mod taken;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Limits;
pub(crate) use seat::Seat;
use taken::Taken;

/// Places for connections, in all and by address.
#[derive(Clone)]
pub(crate) struct Places {
    total: usize,
    per_address: usize,
    make_room_after: Option<Duration>,
    taken: Arc<Mutex<Taken>>,
}

/// A place; it is free again when this is dropped.
pub(crate) struct Place {
    /// None while a proxy has not told for whom it is.
    network: Option<IpAddr>,
    per_address: usize,
    taken: Arc<Mutex<Taken>>,
    number: u64,
    seat: Arc<Seat>,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            total: limits.total,
            per_address: limits.per_address,
            make_room_after: limits.make_room_after,
            taken: Arc::default(),
        }
    }

    /// A place for a connection from `address`, where there is one.
    pub(crate) fn take(&self, address: IpAddr, now: Instant) -> Option<Place> {
        self.take_for(Some(network(address)), now)
    }

    /// A place for a connection that counts for no address yet.
    pub(crate) fn take_for_proxy(&self, now: Instant) -> Option<Place> {
        self.take_for(None, now)
    }

    fn take_for(&self, network: Option<IpAddr>, now: Instant) -> Option<Place> {
        let mut taken = lock(&self.taken);
        // Who has enough is not to drive others out.
        if network.is_some_and(|network| taken.count(network) >= self.per_address) {
            return None;
        }
        if taken.total < self.total {
            taken.total += 1;
            metrics::gauge!("postern_connections").increment(1.0);
        } else {
            taken.displace(network, now, self.make_room_after?)?;
            metrics::counter!("postern_connections_displaced_total").increment(1);
        }
        let (number, seat) = taken.seat(network);
        Some(Place {
            network,
            per_address: self.per_address,
            taken: Arc::clone(&self.taken),
            number,
            seat,
        })
    }
}

impl Place {
    /// Counts for `address` from now on; false, and nothing changes, where that has no room.
    pub(crate) fn move_to(&mut self, address: IpAddr) -> bool {
        let network = network(address);
        if self.network == Some(network) {
            return true;
        }
        let mut taken = lock(&self.taken);
        if taken.count(network) >= self.per_address {
            return false;
        }
        // One that was displaced has ended as far as places go.
        if !self.seat.is_displaced() {
            taken.remove(self.network, self.number);
            taken.put(Some(network), self.number, Arc::clone(&self.seat));
            self.network = Some(network);
        }
        true
    }

    pub(crate) fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        // One that was displaced has left its place to another already.
        if !self.seat.is_displaced() {
            taken.remove(self.network, self.number);
            taken.total -= 1;
            metrics::gauge!("postern_connections").decrement(1.0);
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn places(total: usize, per_address: usize) -> Places {
        Places::new(&Limits {
            total,
            per_address,
            busy: b"",
            make_room_after: Some(Duration::from_secs(3)),
        })
    }

    fn take(places: &Places, address: &str) -> Option<Place> {
        places.take(ip(address), Instant::now())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_ends() {
        let places = places(10, 1);
        let first = take(&places, "192.0.2.1").unwrap();
        assert!(take(&places, "192.0.2.1").is_none());
        assert!(take(&places, "::ffff:192.0.2.1").is_none());
        drop(first);
        assert!(take(&places, "192.0.2.1").is_some());
        assert!(places.taken.lock().unwrap().is_empty());
    }

    #[test]
    fn an_ipv6_customer_has_one_network() {
        let places = places(10, 1);
        let _first = take(&places, "2001:db8:1:2::1").unwrap();
        assert!(take(&places, "2001:db8:1:2:ffff::9").is_none());
        assert!(take(&places, "2001:db8:1:3::1").is_some());
    }

    #[test]
    fn a_place_moves_to_the_address_that_a_proxy_tells() {
        let places = places(10, 1);
        let mut one = places.take_for_proxy(Instant::now()).unwrap();
        let mut two = places.take_for_proxy(Instant::now()).unwrap();
        assert!(one.move_to(ip("192.0.2.1")));
        assert!(one.move_to(ip("192.0.2.1")));
        assert!(!two.move_to(ip("192.0.2.1")));
        assert!(two.move_to(ip("192.0.2.2")));
        assert!(take(&places, "192.0.2.1").is_none());
        assert!(one.move_to(ip("192.0.2.3")));
        assert!(take(&places, "192.0.2.1").is_some());
        drop((one, two));
        let taken = places.taken.lock().unwrap();
        assert!(taken.is_empty());
        assert_eq!(taken.total, 0);
    }

    #[test]
    fn the_total_holds_for_all() {
        let places = places(2, 2);
        let _first = take(&places, "192.0.2.1").unwrap();
        let _second = take(&places, "192.0.2.2").unwrap();
        assert!(take(&places, "192.0.2.3").is_none());
    }

    #[test]
    fn a_newcomer_gets_the_place_that_is_offered_for_the_longest() {
        let places = places(3, 3);
        let [working, late, early] =
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|a| take(&places, a).unwrap());
        let begun = Instant::now() + Duration::from_secs(60);
        early.seat().offer(begun);
        late.seat().offer(begun + Duration::from_secs(1));
        let at = |seconds| places.take(ip("192.0.2.4"), begun + Duration::from_secs(seconds));
        // Nobody is driven out who has waited for a moment only.
        assert!(at(2).is_none());
        let newcomer = at(10).unwrap();
        assert!(!early.seat().keep() && late.seat().keep() && working.seat().keep());
        // All the others are at work.
        assert!(at(10).is_none());

        drop(early);
        assert!(at(10).is_none());
        drop(newcomer);
        assert!(at(10).is_some());
        drop((working, late));
        let taken = places.taken.lock().unwrap();
        assert!(taken.is_empty());
        assert_eq!(taken.total, 0);
    }

    #[test]
    fn who_has_enough_places_drives_nobody_out() {
        let places = places(2, 1);
        let one = take(&places, "192.0.2.1").unwrap();
        let two = take(&places, "192.0.2.2").unwrap();
        let begun = Instant::now();
        one.seat().offer(begun);
        two.seat().offer(begun);
        let later = begun + Duration::from_secs(10);
        assert!(places.take(ip("192.0.2.1"), later).is_none());
        assert!(!one.seat().is_displaced() && !two.seat().is_displaced());
        assert!(places.take(ip("192.0.2.3"), later).is_some());
    }

    #[test]
    fn who_has_few_connections_gets_a_place_of_those_who_have_many() {
        let places = places(3, 3);
        let many = ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(|a| take(&places, a).unwrap());
        let begun = Instant::now() + Duration::from_secs(60);
        for place in &many {
            place.seat().offer(begun);
        }
        let at = |address, ms| places.take(ip(address), begun + Duration::from_millis(ms));
        // Nobody has been of no use for three seconds; but a moment there must have been.
        assert!(at("192.0.2.3", 500).is_none());
        let newcomer = at("192.0.2.3", 1000).unwrap();
        assert!(!many[2].seat().is_displaced());
        // Now each has one, as far as there are places.
        assert!(at("192.0.2.4", 1000).is_none());
        drop((many, newcomer));
        let taken = places.taken.lock().unwrap();
        assert!(taken.is_empty());
        assert_eq!(taken.total, 0);
    }
}
