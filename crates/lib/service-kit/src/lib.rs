//! Shared by every process of Postern: start, configuration, observability, connections and shutdown.
//!
//! A service's `main` is one call of [`run`]. It reads the command line and the configuration, starts logs,
//! traces, metrics and the health service, and passes a [`Service`] to the service's own `run`. On SIGTERM or
//! SIGINT it reports that the process is not ready, cancels [`Service::shutdown`] after
//! `drain-delay-seconds`, in which a balancer notices that, and waits for the service to drain.
//!
//! No other crate uses figment, the telemetry crates or rcgen. This crate knows nothing about mail.

mod arguments;
pub mod certificates;
mod check;
pub mod config;
mod endpoint;
mod error;
mod grpc;
pub mod health;
mod listener_tls;
mod log_writer;
mod logging;
mod memory;
mod metrics_listener;
mod open_files;
mod pem;
mod privileges;
mod process_metrics;
mod readiness;
mod reloaded;
mod run;
mod service;
mod shards;
mod signals;
pub mod survey;

pub use channel::Channel;
pub use config::SharedConfig;
pub use endpoint::Endpoint;
pub use error::Error;
pub(crate) use grpc::open_channel_at;
pub use grpc::{CallTimeouts, Caller, Callers, Routes, open_channel, open_channel_within};
pub use listener_tls::{ClientCertificates, ServerTls};
pub use readiness::Dependency;
pub use reloaded::Reloaded;
pub use run::{run, run_in_shards};
pub use service::{OpenGrpc, Service};
