//! The other services, as far as smtp-server asks them.

mod directory;
mod queue;
mod storage;
mod throttle;

pub(crate) use directory::FakeDirectory;
pub(crate) use fakes::FakeRefusals;
pub(crate) use queue::{Answer, FakeQueue};
pub(crate) use storage::FakeStorage;
pub(crate) use throttle::FakeThrottle;
