//! The other services, as far as smtp-server asks them.

mod directory;
mod queue;

pub(crate) use directory::FakeDirectory;
pub(crate) use queue::{Answer, FakeQueue};
