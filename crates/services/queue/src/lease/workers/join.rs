//! A worker comes, stays and is displaced: whose a name is.
//!
//! A name belongs to a stream for as long as the worker says something within a lease. Another
//! worker of that name is refused: two that took turns would each believe that its leases hold,
//! and send the same mail. Only the same process, whose older stream has broken unseen, takes the
//! place at once. It keeps what it names in its first renewal; the rest was on its way when the older
//! stream broke, and never came.

use std::collections::HashSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::super::Key;
use super::{Held, Responses, State, Worker, WorkerId, Workers};

/// Who a worker says it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hello<'a> {
    pub(crate) name: &'a str,
    /// Names the process; empty when an older version does not say.
    pub(crate) instance: &'a str,
    /// What its clock shows; 0 when an older version does not say.
    pub(crate) clock: i64,
}

/// A worker's stream that has been taken in.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) id: WorkerId,
    /// Cancelled when another stream takes its place.
    pub(crate) displaced: CancellationToken,
    /// What a worker held that is heard of no more, to be released.
    pub(crate) lost: Vec<Key>,
}

impl Workers {
    /// A worker says hello at `now`. `None` while another worker of its name is present, which
    /// without a further word it is until `present_until`.
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

    /// The worker renews these. Gives what it held when it took over from its older stream and does not
    /// name: it never got that, which is to be released. At the first renewal after that alone; what it
    /// was handed since may not have reached it yet, and stays.
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

    /// The worker has said something.
    pub(crate) fn heard(&self, id: WorkerId, present_until: i64) {
        if let Some(worker) = self.lock().workers.get_mut(&id) {
            worker.present_until = present_until;
        }
    }

    /// The worker has said what its clock shows, at `now` of ours.
    pub(crate) fn heard_clock(&self, id: WorkerId, clock: i64, now: i64) {
        if let Some(worker) = self.lock().workers.get_mut(&id) {
            worker.clock_ahead = ahead(clock, now);
        }
    }
}

/// How far a clock is ahead; a little less, for what it showed has been on its way.
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

    /// What the worker holds by one stream it holds by another from now on, until it says what of that
    /// has reached it.
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
