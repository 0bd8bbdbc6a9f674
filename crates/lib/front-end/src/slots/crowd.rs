//! Connections of one standing: counts by network, and the choice of the one to displace.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use session_io::SlotState;
use tokio::time::Instant;

/// Connections by number.
type States = HashMap<u64, Arc<SlotState>>;

/// An idle connection.
struct Idle {
    since: u64,
    network: Option<IpAddr>,
    number: u64,
}

/// The connections of strangers, or of known clients.
#[derive(Default)]
pub(super) struct Crowd {
    len: usize,
    by_network: HashMap<IpAddr, States>,
    /// The same, ordered by the number of connections.
    by_count: BTreeSet<(usize, IpAddr)>,
    /// Connections of proxies without a known client.
    untold: States,
    /// Connections found idle at the last scan, the longest last.
    idle: Vec<Idle>,
    /// Another scan is useless before this time.
    look_again: Option<Instant>,
}

impl Crowd {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Connections of a network.
    pub(super) fn count(&self, network: IpAddr) -> usize {
        self.by_network.get(&network).map_or(0, HashMap::len)
    }

    pub(super) fn put(&mut self, network: Option<IpAddr>, number: u64, state: Arc<SlotState>) {
        self.len += 1;
        let Some(network) = network else {
            self.untold.insert(number, state);
            return;
        };
        let states = self.by_network.entry(network).or_default();
        self.by_count.remove(&(states.len(), network));
        states.insert(number, state);
        self.by_count.insert((states.len(), network));
    }

    pub(super) fn remove(&mut self, network: Option<IpAddr>, number: u64) {
        let Some(network) = network else {
            self.len -= usize::from(self.untold.remove(&number).is_some());
            return;
        };
        let Some(states) = self.by_network.get_mut(&network) else {
            return;
        };
        self.by_count.remove(&(states.len(), network));
        self.len -= usize::from(states.remove(&number).is_some());
        if states.is_empty() {
            self.by_network.remove(&network);
        } else {
            self.by_count.insert((states.len(), network));
        }
    }

    /// Displaces a connection: the one with the longest waiting time, if that is at least `idle`;
    /// otherwise, after a shorter time ([`waited`]), one of the network with the most connections, if they
    /// are more than `would_have`, the count that the new client's network would have. False if none can be
    /// displaced.
    pub(super) fn displace(&mut self, would_have: usize, now: Instant, idle: Duration) -> bool {
        self.displace_idle(now, idle) || self.displace_of_busiest(would_have, now, idle)
    }

    fn displace_of_busiest(&mut self, would_have: usize, now: Instant, idle: Duration) -> bool {
        let Some((most, busiest)) = self.by_count.last().copied() else {
            return false;
        };
        let Some(latest) = now.checked_sub(waited(idle, would_have, most)) else {
            return false;
        };
        let states = self.by_network.get(&busiest);
        let longest = states.filter(|_| most > would_have).and_then(|states| {
            idle_of(Some(busiest), states, latest).min_by_key(|idle| idle.since)
        });
        longest.is_some_and(|longest| self.displace_one(&longest))
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
                // An attacker may connect thousands of times a second while all slots are taken.
                self.look_again = Some(now + idle.min(LOOK_AGAIN * 10) / 10);
                return false;
            }
        }
    }

    /// False if its peer has sent something since, or it has ended.
    fn displace_one(&mut self, idle: &Idle) -> bool {
        let states = match &idle.network {
            Some(network) => self.by_network.get(network),
            None => Some(&self.untold),
        };
        let state = states.and_then(|states| states.get(&idle.number));
        let displaced = state.is_some_and(|state| state.displace(idle.since));
        if displaced {
            self.remove(idle.network, idle.number);
        }
        displaced
    }

    /// The connections idle since before `latest`, the longest last.
    fn idle_since(&self, latest: Instant) -> Vec<Idle> {
        let told = self.by_network.iter();
        let mut idle: Vec<_> = told
            .flat_map(|(network, states)| idle_of(Some(*network), states, latest))
            .chain(idle_of(None, &self.untold, latest))
            .collect();
        idle.sort_unstable_by_key(|idle| std::cmp::Reverse(idle.since));
        idle
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
            && self.by_network.is_empty()
            && self.by_count.is_empty()
            && self.untold.is_empty()
    }
}

/// The minimum waiting time for a connection of a network with `most` connections, to be displaced by a
/// network that would have `would_have`: a quarter of `idle`, since a distant peer takes a moment to
/// answer; proportionally less if the network has more than four times as many. A client with hundreds of
/// connections that reconnects at once renews all slots continuously, so no slot would ever be idle for
/// long.
fn waited(idle: Duration, would_have: usize, most: usize) -> Duration {
    let share = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let enough = share(would_have).saturating_mul(4);
    let most = share(most).max(1);
    (idle / 4).mul_f64((f64::from(enough) / f64::from(most)).min(1.0))
}

/// The maximum interval between scans.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The connections of a network idle since before `latest`.
fn idle_of(
    network: Option<IpAddr>,
    states: &States,
    latest: Instant,
) -> impl Iterator<Item = Idle> + '_ {
    states.iter().filter_map(move |(number, state)| {
        Some(Idle {
            since: state.offered(latest)?,
            network,
            number: *number,
        })
    })
}
