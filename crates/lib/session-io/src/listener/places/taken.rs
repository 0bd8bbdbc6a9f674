//! Who has the places, and who makes room.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Seat;

/// Connections by their numbers.
type Seats = HashMap<u64, Arc<Seat>>;

/// A connection that has been of no use.
struct Idle {
    since: u64,
    network: Option<IpAddr>,
    number: u64,
}

/// See the module. A connection that was displaced is forgotten at once, though it may take a moment
/// until it has ended.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) total: usize,
    by_network: HashMap<IpAddr, Seats>,
    /// The same by how many connections they have.
    by_count: BTreeSet<(usize, IpAddr)>,
    /// Of proxies that have not told for whom they come.
    untold: Seats,
    next: u64,
    /// Those that were of no use for long enough when all were looked at, the longest last.
    idle: Vec<Idle>,
    /// Looking at all again is of no use before.
    look_again: Option<Instant>,
}

impl Taken {
    /// Connections of a network.
    pub(super) fn count(&self, network: IpAddr) -> usize {
        self.by_network.get(&network).map_or(0, HashMap::len)
    }

    /// A new connection.
    pub(super) fn seat(&mut self, network: Option<IpAddr>) -> (u64, Arc<Seat>) {
        let number = self.next;
        self.next += 1;
        let seat = Arc::new(Seat::new());
        self.put(network, number, Arc::clone(&seat));
        (number, seat)
    }

    pub(super) fn put(&mut self, network: Option<IpAddr>, number: u64, seat: Arc<Seat>) {
        let Some(network) = network else {
            self.untold.insert(number, seat);
            return;
        };
        let seats = self.by_network.entry(network).or_default();
        self.by_count.remove(&(seats.len(), network));
        seats.insert(number, seat);
        self.by_count.insert((seats.len(), network));
    }

    pub(super) fn remove(&mut self, network: Option<IpAddr>, number: u64) {
        let Some(network) = network else {
            self.untold.remove(&number);
            return;
        };
        let Some(seats) = self.by_network.get_mut(&network) else {
            return;
        };
        self.by_count.remove(&(seats.len(), network));
        seats.remove(&number);
        if seats.is_empty() {
            self.by_network.remove(&network);
        } else {
            self.by_count.insert((seats.len(), network));
        }
    }

    /// Makes a connection leave its place to one of `network`: the one that has been of no use for the
    /// longest, at least for `idle`; else, for a shorter time, one of the network that has the most
    /// connections, if those are more than `network` would have. Nothing where nobody makes room.
    pub(super) fn displace(
        &mut self,
        network: Option<IpAddr>,
        now: Instant,
        idle: Duration,
    ) -> Option<()> {
        if self.displace_idle(now, idle) {
            return Some(());
        }
        let would_have = self.count(network?) + 1;
        let (most, busiest) = *self.by_count.last()?;
        let seats = self
            .by_network
            .get(&busiest)
            .filter(|_| most > would_have)?;
        // Who far away takes a moment to answer is not meant.
        let latest = now.checked_sub(idle / 4)?;
        let longest = idle_of(Some(busiest), seats, latest).min_by_key(|idle| idle.since)?;
        self.displace_one(&longest).then_some(())
    }

    fn displace_idle(&mut self, now: Instant, idle: Duration) -> bool {
        loop {
            while let Some(longest) = self.idle.pop() {
                if self.displace_one(&longest) {
                    return true;
                }
            }
            if self.look_again.is_some_and(|then| now < then) {
                return false;
            }
            let Some(latest) = now.checked_sub(idle) else {
                return false;
            };
            self.idle = self.idle_since(latest);
            if self.idle.is_empty() {
                // Thousands knock a second when somebody wants to do harm, and all find all taken.
                self.look_again = Some(now + idle / 10);
                return false;
            }
        }
    }

    /// False when its peer has said something since, or it has ended.
    fn displace_one(&mut self, idle: &Idle) -> bool {
        let seats = match &idle.network {
            Some(network) => self.by_network.get(network),
            None => Some(&self.untold),
        };
        let seat = seats.and_then(|seats| seats.get(&idle.number));
        let displaced = seat.is_some_and(|seat| seat.displace(idle.since));
        if displaced {
            self.remove(idle.network, idle.number);
        }
        displaced
    }

    /// All that have been of no use since before `latest`, the longest last.
    fn idle_since(&self, latest: Instant) -> Vec<Idle> {
        let told = self.by_network.iter();
        let mut idle: Vec<_> = told
            .flat_map(|(network, seats)| idle_of(Some(*network), seats, latest))
            .chain(idle_of(None, &self.untold, latest))
            .collect();
        idle.sort_unstable_by_key(|idle| std::cmp::Reverse(idle.since));
        idle
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_network.is_empty() && self.by_count.is_empty() && self.untold.is_empty()
    }
}

/// Those of a network that have been of no use since before `latest`.
fn idle_of(
    network: Option<IpAddr>,
    seats: &Seats,
    latest: Instant,
) -> impl Iterator<Item = Idle> + '_ {
    seats.iter().filter_map(move |(number, seat)| {
        Some(Idle {
            since: seat.offered(latest)?,
            network,
            number: *number,
        })
    })
}
