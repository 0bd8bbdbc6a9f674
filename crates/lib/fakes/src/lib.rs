//! In-memory services for tests of their callers. A dev-dependency only; separate from `test-kit`, which
//! pure crates also use and which knows no gRPC.
//!
//! What a test configures and inspects belongs to the test. This crate has the common parts: [`Mailboxes`],
//! [`FakePolicy`] and [`FakeDirectory`] as whole services, and for the queue the calls that a test does *not*
//! implement ([`PartOfQueue`]).
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod directory;
mod logins;
mod mailboxes;
mod policy;
mod queue;
mod refusals;
mod texts;

pub use directory::{DirectoryState, FakeDirectory};
pub use logins::{FakeAccount, FakeLogins};
pub use mailboxes::{Faults, INBOX_ALONE, Mailboxes, Seen, UID_VALIDITY, USUAL};
pub use policy::FakePolicy;
pub use queue::{FakeQueueService, PartOfQueue};
pub use refusals::FakeRefusals;
pub use texts::Texts;

use std::pin::Pin;

use api::grpc::{Response, Status};
use futures::Stream;

/// The answers of a method that streams.
pub type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The result of a method.
pub type Answer<T> = Result<Response<T>, Status>;

fn not_asked<T>() -> Answer<T> {
    Err(Status::unimplemented("the fake does not do this"))
}
