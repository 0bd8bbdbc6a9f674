//! The services' gRPC types, generated from `proto/`, and clients for their streams.
//!
//! Services meet only here. Besides `service-kit` this is the only crate that names tonic types
//! in its interface: what a service needs of tonic (Status, Streaming, the server traits) it
//! takes from [`grpc`].

/// Generated code: `postern.message.v1`.
pub mod message {
    #[allow(missing_docs, clippy::all, unreachable_pub)] // Generated; documented in proto/.
    pub mod v1 {
        tonic::include_proto!("postern.message.v1");
    }
}

/// Generated code: `postern.queue.v1`.
pub mod queue {
    #[allow(missing_docs, clippy::all, unreachable_pub)] // Generated; documented in proto/.
    pub mod v1 {
        tonic::include_proto!("postern.queue.v1");
    }
}

/// Generated code: `postern.policy.v1`.
pub mod policy {
    #[allow(missing_docs, clippy::all, unreachable_pub)] // Generated; documented in proto/.
    pub mod v1 {
        tonic::include_proto!("postern.policy.v1");
    }
}

/// Generated code: `postern.collection.v1`.
pub mod collection {
    #[allow(missing_docs, clippy::all, unreachable_pub)] // Generated; documented in proto/.
    pub mod v1 {
        tonic::include_proto!("postern.collection.v1");
    }
}

/// Generated code: `postern.throttle.v1`.
pub mod throttle {
    #[allow(missing_docs, clippy::all, unreachable_pub)] // Generated; documented in proto/.
    pub mod v1 {
        tonic::include_proto!("postern.throttle.v1");
    }
}

/// Generated code: `postern.mailbox.v1`.
pub mod mailbox {
    #[allow(missing_docs, clippy::all, unreachable_pub)] // Generated; documented in proto/.
    pub mod v1 {
        tonic::include_proto!("postern.mailbox.v1");
    }
}

/// Generated code: `postern.directory.v1`.
pub mod directory {
    #[allow(missing_docs, clippy::all, unreachable_pub)] // Generated; documented in proto/.
    pub mod v1 {
        tonic::include_proto!("postern.directory.v1");
    }
}

/// What services and clients need of tonic.
pub mod grpc {
    pub use channel::{Channel, Connection};
    pub use tonic::{Code, Request, Response, Status, Streaming, async_trait};
}

pub mod authors;
mod conversions;
pub mod free_space;
pub mod intake;
pub mod login;
mod no_room;
mod notify;
pub mod policy_watch;
pub mod queue_client;
pub mod queue_clock;
pub mod queue_features;
pub mod queue_run;
pub mod refusals;
pub mod rights;
pub mod stream;
pub mod text_upload;

mod failure;
pub mod screening;

pub use no_room::{is_no_room, no_room};

/// Messages that are made of each other, one after another, at most (`LeasedMessage.depth`): what goes in a circle
/// ends. Of the last one none is made but a notice.
pub const MAX_DERIVATION_DEPTH: u32 = 10;
