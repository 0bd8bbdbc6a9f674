//! The common part of all front ends: listeners with TLS, the PROXY protocol, connection limits, the
//! threads that serve connections, and the drain at the end.
//!
//! A front end opens its listeners ([`FrontEnd::open`]) and passes a handler for connections
//! ([`FrontEnd::serve`]). This crate knows no mail protocol: its only message to clients (no free slot) is
//! part of the [`Protocol`].
//!
//! ```text
//! FrontEnd ──▶ serving ──▶ accept      the next connection, also without free descriptors
//!                 ├─ slots             limits in total, for strangers, for an address; displacement
//!                 ├─ proxies           the client's address from a proxy (PROXY protocol)
//!                 └─ shards            the thread that serves the connection
//! ```

mod accept;
mod client_certificate;
mod config;
mod error;
mod limits;
mod listener;
mod open;
mod proxies;
mod proxy_header;
mod serving;
mod shards;
mod slots;

pub use client_certificate::user_addresses;
pub use config::{ListenerConfig, TlsMode};
pub use error::Error;
pub use limits::{Limits, MakeRoom};
pub use listener::Listener;
pub use open::{FrontEnd, Opening, Protocol, Running};
pub use proxies::Proxies;
pub use proxy_header::{Progress, ProxyHeader, ProxyHeaderError};
pub use shards::Shards;

/// Re-exports for [`listener_config`].
#[doc(hidden)]
pub mod used_by_macros {
    pub use rules::Network;
    pub use service_kit::ClientCertificates;
    pub use {schemars, serde};
}
