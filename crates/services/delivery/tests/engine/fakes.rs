//! Fake peers of the worker.

mod queue;

pub(crate) use queue::{FakeQueue, State};
