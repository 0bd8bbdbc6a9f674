//! The counted places of a listener. When all are taken, a newcomer gets the one that has been of
//! no use for the longest, among those whose connections offer theirs: else whoever holds many
//! connections and says nothing on them would keep everybody else out.

mod seat;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Limits;
pub(crate) use seat::Seat;

/// Places for connections, in all and by address.
#[derive(Clone)]
pub(crate) struct Places {
    total: usize,
    per_address: usize,
    make_room_after: Option<Duration>,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    by_network: HashMap<IpAddr, usize>,
    seats: HashMap<u64, Arc<Seat>>,
    next_seat: u64,
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
        {
            let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            // Who has enough is not to drive others out first.
            if !taken.has_room(network(address), self.per_address) {
                return None;
            }
        }
        let mut place = self.take_for_proxy(now)?;
        place.move_to(address).then_some(place)
    }

    /// A place for a connection that counts for no address yet.
    pub(crate) fn take_for_proxy(&self, now: Instant) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.total < self.total {
            taken.total += 1;
            metrics::gauge!("postern_connections").increment(1.0);
        } else {
            taken.displace(now.checked_sub(self.make_room_after?)?)?;
        }
        let number = taken.next_seat;
        taken.next_seat += 1;
        let seat = Arc::new(Seat::new());
        taken.seats.insert(number, Arc::clone(&seat));
        Some(Place {
            network: None,
            per_address: self.per_address,
            taken: Arc::clone(&self.taken),
            number,
            seat,
        })
    }
}

impl Taken {
    fn has_room(&self, network: IpAddr, per_address: usize) -> bool {
        self.by_network.get(&network).copied().unwrap_or(0) < per_address
    }

    /// Makes the connection that has been of no use for the longest leave its place to another;
    /// nothing where none has been since before `latest`.
    fn displace(&mut self, latest: Instant) -> Option<()> {
        loop {
            let (offered, seat) = self
                .seats
                .values()
                .filter_map(|seat| Some((seat.offered(latest)?, seat)))
                .min_by_key(|(offered, _)| *offered)?;
            // Otherwise its peer has said something this very moment.
            if seat.displace(offered) {
                metrics::counter!("postern_connections_displaced_total").increment(1);
                return Some(());
            }
        }
    }

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
        if !taken.has_room(network, self.per_address) {
            return false;
        }
        *taken.by_network.entry(network).or_default() += 1;
        taken.leave(self.network.replace(network));
        true
    }

    pub(crate) fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.leave(self.network);
        taken.seats.remove(&self.number);
        // One that was displaced has left its place to another already.
        if !self.seat.is_displaced() {
            taken.total -= 1;
            metrics::gauge!("postern_connections").decrement(1.0);
        }
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
        assert!(places.taken.lock().unwrap().by_network.is_empty());
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
        assert!(taken.by_network.is_empty() && taken.seats.is_empty());
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
        assert!(taken.by_network.is_empty() && taken.seats.is_empty());
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
}
