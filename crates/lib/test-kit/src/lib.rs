//! Tools for tests, forbidden in production code: a temporary Postgres and a proxy before it that fails on
//! demand, a configurable DNS server, a controllable clock, certificates, SASL clients, and the runner of
//! `C:`/`S:` transcripts. A dev-dependency only.
//!
//! Failures panic with a message: a test that cannot be set up has failed.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up has failed"
)]

mod certificate;
mod client_certificate;
mod clock;
pub mod dns;
mod folder;
mod in_time;
mod issuer;
mod line_client;
mod log_lines;
mod pooler;
mod ports;
mod postgres;
mod proxy;
mod sasl_client;
mod scram;
pub mod transcript;

pub use certificate::TestCertificate;
pub use client_certificate::{ClientAuthority, ClientCertificate};
pub use clock::FakeClock;
pub use dns::FakeDns;
pub use folder::folder_for_a_service;
pub use in_time::in_time;
pub use issuer::TestIssuer;
pub use line_client::LineClient;
pub use log_lines::LogLines;
pub use pooler::Pooler;
pub use ports::free_port;
pub use postgres::{DurablePostgres, Postgres};
pub use proxy::PostgresProxy;
pub use sasl_client::SaslClient;
pub use scram::ScramKeys;
pub use transcript::Transcript;
