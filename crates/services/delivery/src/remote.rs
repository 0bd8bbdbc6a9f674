//! Delivery to other servers: a queue and a few connections for each destination.
//!
//! A destination is served by *lanes*: tasks with a connection each, which take job after job from
//! the destination's queue and end when there has been none for a while. A destination has one lane
//! until it has taken part in a transaction, and again once it has kept us waiting. What
//! destinations share is a bound on connections, and bounds on opening them (see `openings`).

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
