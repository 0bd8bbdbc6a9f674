//! Fakes of the other services.

mod queue;
mod storage;
mod throttle;

pub(crate) use fakes::FakeRefusals;
pub(crate) use queue::{Answer, FakeQueue};
pub(crate) use storage::FakeStorage;
pub(crate) use throttle::FakeThrottle;
