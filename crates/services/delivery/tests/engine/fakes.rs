//! What the worker talks to.

mod mailbox_store;
mod queue;

pub(crate) use mailbox_store::FakeMailboxStore;
pub(crate) use queue::{FakeQueue, State};
