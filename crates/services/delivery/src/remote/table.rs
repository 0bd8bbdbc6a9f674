//! The destinations that have work, their queues and their lanes.

mod limit;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::job::Job;
use super::openings::History;
use super::target::Target;
use crate::fate::Failure;
use limit::Limit;

/// After no server of a destination could be reached, no attempt is made for this long. Jobs that arrive
/// meanwhile fail without a wait of their own.
const UNREACHABLE: Duration = Duration::from_secs(3);
/// The same for a silent destination: finding that out again takes minutes, and a socket.
const SILENT: Duration = Duration::from_secs(60);
/// Maximum number of jobs that wait for a silent destination, so that there is room for the others.
const SILENT_JOBS: usize = 16;
/// A destination with a transaction this recent is not dead. It may still count a connection that was closed
/// here, or be restarting.
const LATELY: Duration = Duration::from_secs(30);
/// Pauses before such a destination is tried again for its only connection.
const PAUSES_MS: [u64; 3] = [250, 1_000, 3_000];

/// All destinations that have work or a history.
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
    /// Open sessions. A session of a lane that has ended may be counted for a moment.
    connected: usize,
    waiting: usize,
    wake: Arc<Notify>,
    unreachable: Option<Unreachable>,
    /// Bound on lanes, since the destination has refused one more.
    limit: Option<Limit>,
    /// Time of the last transaction, and how often its only connection has been refused since.
    good_at: Option<Instant>,
    refusals: usize,
}

/// No server was reachable.
struct Unreachable {
    since: Instant,
    until: Instant,
    failure: Failure,
}

/// The result of queuing a job.
pub(super) enum Admission {
    Queued,
    /// Queued; the caller starts a lane.
    NewLane,
    /// No server was reachable a moment ago.
    Unreachable(Job, Failure),
    /// No job is started any more.
    Stopped(Job),
}

/// What follows when a lane gets no connection.
pub(super) enum Refused {
    /// The lane ends and is no longer counted; other lanes have its job.
    LaneEnds,
    /// The job is tried once more after this pause.
    Again(Job, Duration),
    /// The destination is unusable: these jobs fail.
    Destination(Job, VecDeque<Job>),
}

/// An open session, while it is counted.
pub(super) struct Connected {
    table: Arc<Table>,
    target: Target,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.table.disconnected(&self.target);
    }
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
        let silent = history == History::Silent && destination.connected == 0;
        if silent && destination.queue.len() >= SILENT_JOBS {
            let failure = Failure::temporary("4.4.1", format!("{target} has not answered lately."));
            return Admission::Unreachable(job, failure);
        }
        destination.queue.push_back(job);
        // A waiting lane takes one job, so that a burst does not queue behind a single connection.
        if destination.queue.len() <= destination.waiting {
            destination.wake.notify_one();
            Admission::Queued
        } else if destination.lanes < destination.may_have(self.lanes(history)) {
            destination.lanes += 1;
            Admission::NewLane
        } else {
            Admission::Queued
        }
    }

    /// The number of lanes that a destination may have.
    fn lanes(&self, history: History) -> usize {
        match history {
            History::Good => self.lanes_each,
            History::New | History::Silent => 1,
        }
    }

    /// The destination has turned out to be good. Returns the number of lanes to start.
    pub(super) fn grow(&self, target: &Target) -> usize {
        let mut state = self.lock();
        let Some(destination) = state.destinations.get_mut(target) else {
            return 0;
        };
        destination.good_at = Some(Instant::now());
        destination.refusals = 0;
        let room = destination.may_have(self.lanes_each);
        let room = room.saturating_sub(destination.lanes);
        // The calling lane takes one of the jobs itself.
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
        if !destination.is_known(Instant::now()) {
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

    /// A session has been opened.
    pub(super) fn connected(self: &Arc<Self>, target: &Target) -> Connected {
        let mut state = self.lock();
        let destination = state.destinations.entry(target.clone()).or_default();
        destination.connected += 1;
        destination.unreachable = None;
        if let Some(limit) = &mut destination.limit {
            limit.holds_at_least(destination.connected);
        }
        Connected {
            table: Arc::clone(self),
            target: target.clone(),
        }
    }

    fn disconnected(&self, target: &Target) {
        let mut state = self.lock();
        if let Some(destination) = state.destinations.get_mut(target) {
            destination.connected = destination.connected.saturating_sub(1);
            if !destination.is_known(Instant::now()) {
                state.destinations.remove(target);
            }
        }
    }

    /// Whether another lane of the destination has a connection.
    pub(super) fn has_others(&self, target: &Target) -> bool {
        let state = self.lock();
        let destination = state.destinations.get(target);
        destination.is_some_and(|destination| destination.connected > 1 && destination.lanes > 1)
    }

    /// The destination refuses this lane beside the others: their queue gets its job back, and there are
    /// fewer lanes for a while. Returns the job if there are no other lanes.
    pub(super) fn hand_over(&self, target: &Target, job: Job) -> Option<Job> {
        let mut state = self.lock();
        match state.destinations.get_mut(target) {
            // As long as there is a lane, the queue is served or fails as a whole.
            Some(destination) if destination.connected > 0 && destination.lanes > 1 => {
                destination.lanes -= 1;
                destination.limit = Some(Limit::to(destination.connected));
                destination.queue.push_front(job);
                if destination.waiting > 0 {
                    destination.wake.notify_one();
                }
                None
            }
            _ => Some(job),
        }
    }

    /// A lane gets no connection.
    pub(super) fn refused(
        &self,
        target: &Target,
        history: History,
        failure: &Failure,
        job: Job,
    ) -> Refused {
        let Some(job) = self.hand_over(target, job) else {
            return Refused::LaneEnds;
        };
        match self.again(target) {
            Some(pause) => Refused::Again(job, pause),
            None => Refused::Destination(job, self.unreachable(target, history, failure)),
        }
    }

    /// The pause before the only lane of a destination tries again.
    fn again(&self, target: &Target) -> Option<Duration> {
        let mut state = self.lock();
        let destination = state.destinations.get_mut(target)?;
        let lately = destination.good_at.is_some_and(|at| at.elapsed() < LATELY);
        let pause = PAUSES_MS.get(destination.refusals).filter(|_| lately)?;
        destination.refusals += 1;
        Some(Duration::from_millis(*pause))
    }

    /// No server of this destination was reachable: its waiting jobs fail.
    fn unreachable(&self, target: &Target, history: History, failure: &Failure) -> VecDeque<Job> {
        let pause = match history {
            History::Silent => SILENT,
            History::New | History::Good => UNREACHABLE,
        };
        let now = Instant::now();
        let mut state = self.lock();
        // Expired entries are kept only while in use.
        state
            .destinations
            .retain(|_, destination| destination.is_known(now));
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

    /// Forgets that no server was reachable before that time.
    pub(super) fn forget_unreachable(&self, target: &Target, before: Instant) {
        if let Some(destination) = self.lock().destinations.get_mut(target) {
            destination
                .unreachable
                .take_if(|known| known.since < before);
        }
    }

    /// Returns the jobs that have not started.
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

impl Destination {
    /// The number of lanes allowed, at most `most`.
    fn may_have(&self, most: usize) -> usize {
        let limit = self.limit.as_ref().map_or(most, Limit::lanes);
        limit.min(most)
    }

    /// Whether there is anything to remember about it.
    fn is_known(&self, now: Instant) -> bool {
        let in_use = self.lanes > 0 || self.connected > 0 || !self.queue.is_empty();
        let unreachable = self.unreachable.as_ref();
        let limited = self.limit.as_ref().is_some_and(|limit| !limit.is_over());
        in_use || limited || unreachable.is_some_and(|known| known.until > now)
    }
}
