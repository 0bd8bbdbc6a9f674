//! Joining of a worker, and the ownership of its name.
//!
//! A name belongs to a stream as long as the worker sends something within the length of a lease. Another
//! worker of that name is refused: if two took turns, each would believe that its leases hold, and both would
//! send the same mail. Only the same process, whose older stream has broken unnoticed, takes the name over at
//! once. It keeps the leases that it names in its first renewal. The others were in transit when the older
//! stream broke, and never arrived.

use std::collections::HashSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::super::Key;
use super::{Held, Responses, State, Worker, WorkerId, Workers};

/// The worker's introduction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hello<'a> {
    pub(crate) name: &'a str,
    /// Identifies the process; empty from older versions.
    pub(crate) instance: &'a str,
    /// Time by the worker's clock; 0 from older versions.
    pub(crate) clock: i64,
}

/// A worker's stream that was admitted.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) id: WorkerId,
    /// Cancelled when another stream of the worker replaces this one.
    pub(crate) displaced: CancellationToken,
    /// Leases of a worker that was not heard of any more, to be released.
    pub(crate) lost: Vec<Key>,
}

impl Workers {
    /// Admits a worker at `now`. `None` while another worker of its name is present. Without a further
    /// message the new worker counts as present until `present_until`.
    pub(crate) fn join(
        &self,
        hello: Hello<'_>,
        responses: Responses,
        now: i64,
        present_until: i64,
    ) -> Option<Joined> {
        let mut state = self.lock();
        let older = state.of_name(hello.name);
        let same = older.filter(|id| state.is_instance(*id, hello.instance));
        if older.is_some_and(|id| same.is_none() && state.is_present(id, now)) {
            return None;
        }
        let id = WorkerId(state.next_id);
        state.next_id += 1;
        if let Some(same) = same {
            state.take_over(same, id);
        }
        let lost = older.map(|id| state.displace(id)).unwrap_or_default();
        let displaced = CancellationToken::new();
        let worker = Worker {
            name: hello.name.into(),
            instance: Arc::from(hello.instance),
            present_until,
            clock_ahead: ahead(hello.clock, now),
            displaced: displaced.clone(),
            credits: 0,
            draining: false,
            responses,
        };
        state.workers.insert(id, worker);
        Some(Joined {
            id,
            displaced,
            lost,
        })
    }

    /// The worker renews these leases. Returns those that it took over from its older stream and does not
    /// name: it never received them, and they are to be released. This happens at the first renewal only.
    /// Leases handed over since then may still be in transit, and stay.
    pub(crate) fn lost_on_the_way(&self, id: WorkerId, named: &[Key]) -> Vec<Key> {
        let mut state = self.lock();
        let taken_over = |held: &Held| held.worker == id && held.taken_over;
        if !state.held.values().any(taken_over) {
            return Vec::new();
        }
        let named: HashSet<Key> = named.iter().copied().collect();
        let lost = state.held.extract_if(|recipient, held| {
            let first = held.worker == id && std::mem::take(&mut held.taken_over);
            first && !named.contains(&(*recipient, held.epoch))
        });
        lost.map(|(recipient, held)| (recipient, held.epoch))
            .collect()
    }

    /// The worker has sent a message.
    pub(crate) fn heard(&self, id: WorkerId, present_until: i64) {
        if let Some(worker) = self.lock().workers.get_mut(&id) {
            worker.present_until = present_until;
        }
    }

    /// The worker has reported the time of its clock, received at `now`.
    pub(crate) fn heard_clock(&self, id: WorkerId, clock: i64, now: i64) {
        if let Some(worker) = self.lock().workers.get_mut(&id) {
            worker.clock_ahead = ahead(clock, now);
        }
    }
}

/// How far a clock is ahead. The result is a little too low, by the time that the message was in transit.
fn ahead(clock: i64, now: i64) -> Option<i64> {
    (clock > 0).then(|| clock.saturating_sub(now))
}

impl State {
    fn of_name(&self, name: &str) -> Option<WorkerId> {
        let mut workers = self.workers.iter();
        let of_name = workers.find(|(_, worker)| &*worker.name == name);
        of_name.map(|(id, _)| *id)
    }

    fn is_instance(&self, id: WorkerId, instance: &str) -> bool {
        let worker = self.workers.get(&id);
        !instance.is_empty() && worker.is_some_and(|worker| &*worker.instance == instance)
    }

    fn is_present(&self, id: WorkerId, now: i64) -> bool {
        let worker = self.workers.get(&id);
        worker.is_some_and(|worker| !worker.responses.is_closed() && worker.present_until > now)
    }

    /// Moves the leases from one stream of a worker to another, until the worker names those that it has
    /// received.
    fn take_over(&mut self, from: WorkerId, to: WorkerId) {
        for held in self.held.values_mut().filter(|held| held.worker == from) {
            held.worker = to;
            held.taken_over = true;
        }
    }

    fn displace(&mut self, id: WorkerId) -> Vec<Key> {
        if let Some(worker) = self.workers.get(&id) {
            worker.displaced.cancel();
        }
        self.remove(id)
    }
}
