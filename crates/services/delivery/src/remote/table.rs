//! The destinations that have something to do, their queues and the lanes that serve them.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::openings::History;
use super::{Job, Target};
use crate::work::Failure;

/// After no server of a destination could be reached, nobody tries for so long: what comes in
/// fails likewise, without a wait of its own.
const UNREACHABLE: Duration = Duration::from_secs(3);
/// The same when it was silent: finding that out again takes minutes, and a socket.
const SILENT: Duration = Duration::from_secs(60);
/// Jobs that wait for a silent destination: what waits for the living must find room.
const SILENT_JOBS: usize = 16;

/// See the module.
pub(super) struct Table {
    lanes_each: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    destinations: HashMap<Target, Destination>,
    stopped: bool,
}

#[derive(Default)]
struct Destination {
    queue: VecDeque<Job>,
    lanes: usize,
    waiting: usize,
    wake: Arc<Notify>,
    unreachable: Option<Unreachable>,
}

/// No server could be reached.
struct Unreachable {
    since: Instant,
    until: Instant,
    failure: Failure,
}

/// What has become of a job that was to be queued.
pub(super) enum Admission {
    Queued,
    /// Queued, and a lane is to be started.
    NewLane,
    /// No server could be reached just now.
    Unreachable(Job, Failure),
    /// Nothing is begun any more.
    Stopped(Job),
}

/// What a lane does next.
pub(super) enum Next {
    Job(Job),
    /// Wait for this, then ask again.
    Wait(Arc<Notify>),
    /// End; the lane is no longer counted.
    End,
}

impl Table {
    pub(super) fn new(lanes_each: usize) -> Self {
        Self {
            lanes_each: lanes_each.max(1),
            state: Mutex::default(),
        }
    }

    pub(super) fn add(&self, target: &Target, history: History, job: Job) -> Admission {
        let mut state = self.lock();
        if state.stopped {
            return Admission::Stopped(job);
        }
        let destination = state.destinations.entry(target.clone()).or_default();
        match &destination.unreachable {
            Some(known) if known.until > Instant::now() => {
                return Admission::Unreachable(job, known.failure.clone());
            }
            _ => destination.unreachable = None,
        }
        if history == History::Silent && destination.queue.len() >= SILENT_JOBS {
            let failure = Failure::temporary("4.4.1", format!("{target} has not answered lately."));
            return Admission::Unreachable(job, failure);
        }
        destination.queue.push_back(job);
        // A waiting lane takes one job: a burst must not queue up behind a single connection.
        if destination.queue.len() <= destination.waiting {
            destination.wake.notify_one();
            Admission::Queued
        } else if destination.lanes < self.lanes(history) {
            destination.lanes += 1;
            Admission::NewLane
        } else {
            Admission::Queued
        }
    }

    /// Lanes that a destination may have.
    fn lanes(&self, history: History) -> usize {
        match history {
            History::Good => self.lanes_each,
            History::New | History::Silent => 1,
        }
    }

    /// The destination has turned out to be good: so many lanes more are to be started.
    pub(super) fn grow(&self, target: &Target) -> usize {
        let mut state = self.lock();
        let Some(destination) = state.destinations.get_mut(target) else {
            return 0;
        };
        let room = self.lanes_each.saturating_sub(destination.lanes);
        // The lane that asks takes one of them itself.
        let more = room.min(destination.queue.len().saturating_sub(1));
        destination.lanes += more;
        more
    }

    /// The next job of a lane. A lane without a connection has nothing to wait for.
    pub(super) fn next(&self, target: &Target, may_wait: bool) -> Next {
        let mut state = self.lock();
        let may_wait = may_wait && !state.stopped;
        let Some(destination) = state.destinations.get_mut(target) else {
            return Next::End;
        };
        if let Some(job) = destination.queue.pop_front() {
            return Next::Job(job);
        }
        if may_wait {
            destination.waiting += 1;
            return Next::Wait(Arc::clone(&destination.wake));
        }
        destination.lanes -= 1;
        let known = destination.unreachable.is_some();
        if destination.lanes == 0 && !known {
            state.destinations.remove(target);
        }
        Next::End
    }

    /// A lane has ended its wait.
    pub(super) fn waited(&self, target: &Target) {
        if let Some(destination) = self.lock().destinations.get_mut(target) {
            destination.waiting = destination.waiting.saturating_sub(1);
        }
    }

    /// No server of this destination could be reached: what waits for it fails likewise.
    pub(super) fn unreachable(
        &self,
        target: &Target,
        history: History,
        failure: &Failure,
    ) -> VecDeque<Job> {
        let pause = match history {
            History::Silent => SILENT,
            History::New | History::Good => UNREACHABLE,
        };
        let now = Instant::now();
        let mut state = self.lock();
        // Those that are over are kept only as long as they are used.
        state.destinations.retain(|_, destination| {
            let over = destination
                .unreachable
                .as_ref()
                .is_some_and(|known| known.until <= now);
            destination.lanes > 0 || !destination.queue.is_empty() || !over
        });
        let Some(destination) = state.destinations.get_mut(target) else {
            return VecDeque::new();
        };
        destination.unreachable = Some(Unreachable {
            since: now,
            until: now + pause,
            failure: failure.clone(),
        });
        std::mem::take(&mut destination.queue)
    }

    /// That no server could be reached before then is no longer held against the destination.
    pub(super) fn forget_unreachable(&self, target: &Target, before: Instant) {
        if let Some(destination) = self.lock().destinations.get_mut(target) {
            destination
                .unreachable
                .take_if(|known| known.since < before);
        }
    }

    /// Gives back what has not begun.
    pub(super) fn stop(&self) -> Vec<Job> {
        let mut state = self.lock();
        state.stopped = true;
        let destinations = state.destinations.values_mut();
        destinations
            .flat_map(|destination| destination.queue.drain(..))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
