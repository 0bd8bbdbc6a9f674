//! The other services, as far as smtp-server asks them.

mod directory;
mod policy;
mod queue;
mod refusals;

pub(crate) use directory::FakeDirectory;
pub(crate) use policy::FakePolicy;
pub(crate) use queue::{Answer, FakeQueue};
pub(crate) use refusals::FakeRefusals;
