//! The services' gRPC types, generated from `proto/`, and clients for their streams.
//!
//! Services communicate only through this crate. Besides `service-kit` it is the only crate with tonic
//! types in its interface: services take the tonic types that they need (Status, Streaming, the server
//! traits) from [`grpc`].

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

/// The tonic types that services and clients need.
pub mod grpc {
    pub use channel::{Channel, Connection};
    pub use tonic::{Code, Request, Response, Status, Streaming, async_trait};
}

pub mod actor;
pub mod clock;
mod component;
pub mod login;
mod no_room;
mod notify;
pub mod queue_client;
pub mod queue_clock;
pub mod queue_features;
pub mod queue_run;
pub mod refusals;
pub mod rights;
pub mod stream;
pub mod text_upload;

mod failure;

pub use no_room::{is_no_room, no_room};

/// Maximum length of a chain of derived messages (`LeasedMessage.depth`), which ends loops. From the last
/// one only a notice is derived.
pub const MAX_DERIVATION_DEPTH: u32 = 10;
