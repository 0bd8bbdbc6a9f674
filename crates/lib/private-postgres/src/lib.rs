//! A private Postgres: `initdb` once, a server on a Unix socket that only its owner can open, started and
//! stopped with its owner. `postern up` keeps its data in one; tests discard theirs.
//!
//! This crate knows no SQL, no async code and no clients. Every call blocks; callers on a runtime use a
//! blocking thread.

mod account;
mod cluster;
mod error;
mod guard;
mod installation;
mod server;

pub use account::Account;
pub use cluster::{Cluster, Setting, longest_socket_directory};
pub use error::Error;
pub use guard::{EndSignal, Guard};
pub use installation::Installation;
pub use server::Server;
