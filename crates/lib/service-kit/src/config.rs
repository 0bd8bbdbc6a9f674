//! Configuration: what a process needs to start. One TOML file with one section a process,
//! overridden by `POSTERN_…` variables of the environment.
//!
//! What the administrator decides while the system runs is policy, and comes from the queue.

mod load;
mod shared;

pub(crate) use load::{Loaded, environment, load};
pub use shared::{
    DatabaseConfig, EndpointsConfig, InternalTlsConfig, LogConfig, LogFormat, SharedConfig,
    TelemetryConfig, TlsConfig,
};
