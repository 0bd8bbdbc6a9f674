//! Leased recipients that go to the workers once the transaction is committed.

use std::collections::HashMap;
use std::sync::Arc;

use api::queue::v1::LeasedMessage;

use super::workers::WorkerId;
use super::{Key, release};
use crate::engine::Engine;

/// Leased recipients by worker.
#[derive(Debug, Default)]
pub(crate) struct HandOut {
    by_worker: HashMap<WorkerId, Vec<LeasedMessage>>,
}

impl HandOut {
    /// Adds a message with the recipients that the worker holds.
    pub(crate) fn add(&mut self, worker: WorkerId, message: LeasedMessage) {
        self.by_worker.entry(worker).or_default().push(message);
    }
}

/// Sends each worker its recipients. Recipients of a worker that has gone are released.
pub(crate) fn hand_out(engine: &Arc<Engine>, messages: HandOut, until: i64) {
    let mut lost: Vec<Key> = Vec::new();
    let now = engine.clock.now();
    for (worker, messages) in messages.by_worker {
        lost.extend(engine.workers.hand_over(worker, messages, now, until));
    }
    engine.due.at(until);
    if !lost.is_empty() {
        let engine = Arc::clone(engine);
        tokio::spawn(async move { release(&engine, &lost).await });
    }
}
