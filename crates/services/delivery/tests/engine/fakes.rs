//! What the worker talks to.

mod mailbox_store;
mod policy;
mod queue;

pub(crate) use mailbox_store::FakeMailboxStore;
pub(crate) use policy::FakePolicy;
pub(crate) use queue::FakeQueue;
