//! What the worker talks to.

mod queue;

pub(crate) use queue::{FakeQueue, State};
