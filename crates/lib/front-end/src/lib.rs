//! What every front end has before its protocol begins: listeners with TLS, the PROXY protocol, limits
//! of connections, the threads that serve them, and the drain at the end.
//!
//! A front end opens its listeners ([`FrontEnd::open`]) and says what is to be done with each connection
//! ([`FrontEnd::serve`]). This crate knows no protocol: what it says itself (that there is no room)
//! comes with the [`Protocol`].
//!
//! ```text
//! FrontEnd ──▶ serving ──▶ accept      the next connection, also where descriptors run out
//!                 ├─ slots             how many in all, of strangers, of an address; who makes room
//!                 ├─ proxies           for whom a proxy comes (PROXY protocol)
//!                 └─ shards            on which thread it is served
//! ```

mod accept;
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

pub use config::{ListenerConfig, TlsMode};
pub use error::Error;
pub use limits::{Limits, MakeRoom};
pub use listener::Listener;
pub use open::{FrontEnd, Opening, Protocol, Running};
pub use proxies::Proxies;
pub use proxy_header::{Progress, ProxyHeader, ProxyHeaderError};
pub use shards::Shards;

/// What [`listener_config`] needs of other crates.
#[doc(hidden)]
pub mod used_by_macros {
    pub use rules::Network;
    pub use service_kit::ClientCertificates;
    pub use {schemars, serde};
}
