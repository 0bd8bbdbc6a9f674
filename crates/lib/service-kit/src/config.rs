//! Configuration: the settings that a process needs to start. One TOML file with one section for each
//! process, overridden by `POSTERN_…` environment variables.
//!
//! Settings that the administrator changes at run time are policy, which comes from the queue.

mod addresses;
mod extract;
mod files;
mod host_name;
mod load;
mod place;
mod problem;
mod range;
mod reference;
mod shared;
mod source;
mod walk;

pub(crate) use files::{NamedFile, named_files};
pub use host_name::HostName;
pub(crate) use load::{Loaded, examine, load};
pub(crate) use problem::Problem;
pub use reference::{Key, KitKeys, Reference};
pub use shared::{
    DatabaseConfig, EndpointsConfig, InternalTlsConfig, LogConfig, LogFormat, SharedConfig,
    TelemetryConfig, TlsConfig,
};
pub(crate) use source::{Source, environment};

/// Sections of one process each; all other top-level keys are shared.
pub const PROCESSES: [&str; 9] = [
    "queue",
    "mailbox-store",
    "smtp-server",
    "delivery",
    "imap",
    "pop3",
    "collector",
    "console",
    "up",
];
