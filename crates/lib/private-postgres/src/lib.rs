//! A Postgres of our own: `initdb` once, a server on a Unix socket that nobody else may open, started and stopped
//! with its owner. `postern up` keeps its data in one, and the tests throw theirs away.
//!
//! Knows nothing of SQL, of async or of the processes that connect. Everything here blocks; callers on a runtime use
//! a blocking thread.

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
