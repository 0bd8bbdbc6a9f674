//! The workers, their credits and the leases they hold. All in memory: a worker's stream and credits end with
//! this process.

mod join;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::grpc::Status;
use api::queue::v1::{LeaseResponse, LeasedMessage, WorkerState};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use join::{Hello, Joined};

use super::Key;
use super::credits::{Credit, Credits};

/// Maximum number of unspent credits of one worker.
const MAX_CREDITS: u32 = 100_000;

/// The sender of a worker's stream.
pub(crate) type Responses = mpsc::UnboundedSender<Result<LeaseResponse, Status>>;

/// Identifies a worker's stream in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct WorkerId(u64);

/// All workers whose streams end in this process.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    workers: HashMap<WorkerId, Worker>,
    /// By recipient: at most one worker holds each.
    held: HashMap<i64, Held>,
}

#[derive(Debug)]
struct Worker {
    name: Arc<str>,
    instance: Arc<str>,
    /// The name is reserved until this time even if the worker is silent.
    present_until: i64,
    /// How far the worker's clock is ahead of the queue's, in milliseconds, if known.
    clock_ahead: Option<i64>,
    /// Cancelled when another stream of the worker replaces this one.
    displaced: CancellationToken,
    /// `None` once the worker drains.
    credits: u32,
    draining: bool,
    responses: Responses,
}

#[derive(Debug)]
struct Held {
    worker: WorkerId,
    epoch: i32,
    until: i64,
    /// Handed over on an older stream of the worker, which has not named it in a renewal since.
    taken_over: bool,
}

impl Workers {
    /// The worker's stream has ended. Returns the leases that it held.
    pub(crate) fn leave(&self, id: WorkerId) -> Vec<Key> {
        self.lock().remove(id)
    }

    /// Number of leased recipients at `now`.
    pub(crate) fn held(&self, now: i64) -> usize {
        let state = self.lock();
        state.held.values().filter(|held| held.until > now).count()
    }

    /// Number of workers.
    pub(crate) fn count(&self) -> usize {
        self.lock().workers.len()
    }

    /// The workers and their clocks.
    pub(crate) fn states(&self) -> Vec<WorkerState> {
        let state = self.lock();
        let workers = state.workers.values();
        let states = workers.map(|worker| WorkerState {
            name: worker.name.to_string(),
            clock_ahead_ms: worker.clock_ahead,
        });
        states.collect()
    }

    /// Grants the worker more credits.
    pub(crate) fn grant(&self, id: WorkerId, credits: u32) {
        if let Some(worker) = self.lock().workers.get_mut(&id) {
            worker.grant(credits);
        }
    }

    /// Removes the worker's credits for good. Recipients leased to it by a running transaction are not sent
    /// either.
    pub(crate) fn drain(&self, id: WorkerId) {
        if let Some(worker) = self.lock().workers.get_mut(&id) {
            worker.draining = true;
            worker.credits = 0;
        }
    }

    /// Whether any worker has credits.
    pub(crate) fn have_credits(&self) -> bool {
        self.lock()
            .workers
            .values()
            .any(|worker| worker.credits > 0)
    }

    /// Takes up to `wanted` credits, spread over the workers. With `half`, each worker keeps half of its
    /// credits.
    pub(crate) fn take_credits(&self, wanted: usize, half: bool) -> Credits<'_> {
        let mut each: Vec<Credit> = Vec::new();
        let mut state = self.lock();
        let mut ready: Vec<(&WorkerId, &mut Worker)> = state
            .workers
            .iter_mut()
            .filter(|(_, worker)| worker.credits > u32::from(half))
            .collect();
        // Workers with the fewest credits first: what they cannot take goes to those with more.
        ready.sort_by_key(|(id, worker)| (worker.credits, **id));
        let mut left = wanted;
        let mut others = ready.len();
        for (id, worker) in ready {
            let share = left.div_ceil(others);
            others -= 1;
            let most = if half {
                worker.credits / 2
            } else {
                worker.credits
            };
            let count = share.min(most as usize);
            worker.credits -= count as u32;
            left -= count;
            if count > 0 {
                let name = Arc::clone(&worker.name);
                let worker = *id;
                each.push(Credit::new(worker, name, count));
            }
        }
        drop(state);
        Credits::new(self, each)
    }

    /// Takes up to `wanted` credits of the worker that has most.
    pub(crate) fn take_credits_of_one(&self, wanted: usize) -> Option<(Credit, Credits<'_>)> {
        let mut state = self.lock();
        let (id, worker) = state
            .workers
            .iter_mut()
            .filter(|(_, worker)| worker.credits > 0)
            .max_by_key(|(id, worker)| (worker.credits, std::cmp::Reverse(**id)))?;
        let count = wanted.min(worker.credits as usize);
        worker.credits -= count as u32;
        let credit = Credit::new(*id, Arc::clone(&worker.name), count);
        drop(state);
        let credits = Credits::new(self, vec![credit.clone()]);
        Some((credit, credits))
    }

    /// Sends leased recipients to their worker. If it is gone or drains, returns their keys, which the caller
    /// releases.
    pub(crate) fn hand_over(
        &self,
        id: WorkerId,
        messages: Vec<LeasedMessage>,
        now: i64,
        until: i64,
    ) -> Vec<Key> {
        let keys = keys_of(&messages);
        let mut state = self.lock();
        let Some(worker) = state.workers.get(&id).filter(|one| !one.draining) else {
            return keys;
        };
        let response = LeaseResponse {
            messages,
            lease_seconds: 0,
            now_ms: now,
        };
        if worker.responses.send(Ok(response)).is_err() {
            return keys;
        }
        state.hold(id, &keys, until);
        Vec::new()
    }

    /// Sets the new end of the worker's leases.
    pub(crate) fn renewed(&self, id: WorkerId, keys: &[Key], until: i64) {
        let mut state = self.lock();
        if state.workers.contains_key(&id) {
            state.hold(id, keys, until);
        }
    }

    /// Removes leases that have ended.
    pub(crate) fn ended(&self, keys: &[Key]) {
        let mut state = self.lock();
        for (recipient, epoch) in keys {
            if state
                .held
                .get(recipient)
                .is_some_and(|held| held.epoch == *epoch)
            {
                state.held.remove(recipient);
            }
        }
    }

    /// Removes leases that are over: another replica recorded their outcomes, or they expired.
    pub(crate) fn forget_expired(&self, now: i64) {
        self.lock().held.retain(|_, held| held.until > now);
    }

    /// Returns unspent credits.
    pub(super) fn give_back(&self, credits: &[Credit]) {
        let mut state = self.lock();
        for credit in credits {
            if let Some(worker) = state.workers.get_mut(&credit.worker) {
                worker.grant(credit.count() as u32);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is used all the same: no code panics while it holds it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    fn grant(&mut self, credits: u32) {
        if !self.draining {
            self.credits = self.credits.saturating_add(credits).min(MAX_CREDITS);
        }
    }
}

impl State {
    fn hold(&mut self, worker: WorkerId, keys: &[Key], until: i64) {
        let held = keys.iter().map(|&(recipient, epoch)| {
            let held = Held {
                worker,
                epoch,
                until,
                taken_over: false,
            };
            (recipient, held)
        });
        self.held.extend(held);
    }

    fn remove(&mut self, id: WorkerId) -> Vec<Key> {
        if self.workers.remove(&id).is_none() {
            return Vec::new();
        }
        self.held
            .extract_if(|_, held| held.worker == id)
            .map(|(recipient, held)| (recipient, held.epoch))
            .collect()
    }
}

fn keys_of(messages: &[LeasedMessage]) -> Vec<Key> {
    messages
        .iter()
        .flat_map(|message| &message.recipients)
        .map(|recipient| (recipient.recipient_id, recipient.epoch as i32))
        .collect()
}
