//! Delivery to other servers: a queue and a few connections for each destination.
//!
//! Each destination is served by *lanes*: tasks with one connection each. A lane takes job after job from the
//! destination's queue and ends after an idle time. A destination has one lane until it has taken part in a
//! transaction, and again after it was slow to answer. Destinations share a bound on connections, and bounds
//! on opening them (see `openings`).

mod content;
mod ending;
mod gateway;
mod hops;
mod job;
mod lane;
mod mx;
mod open;
mod openings;
mod outcome;
mod state;
mod table;
mod target;
mod trail;
mod transaction;
mod trouble;

use std::sync::Arc;

pub(crate) use job::Job;
pub(crate) use mx::Resolver;
pub(crate) use state::{Remote, Setup};
pub(crate) use target::Target;

impl Remote {
    /// Queues a job for its destination.
    pub(crate) fn deliver(self: &Arc<Self>, target: &Target, job: Job) {
        lane::deliver(self, target, job);
    }
}
