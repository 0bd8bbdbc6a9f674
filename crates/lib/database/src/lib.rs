//! Access to Postgres for the services that own a schema: the pool, the migrations runner and
//! what a SQLSTATE means.
//!
//! It knows no table. SQL lives with the service (or with `volume`) whose schema it is about.

mod connect;
mod error;
mod fitness;
mod free_space;
mod held;
mod ids;
mod migrate;
mod retry;

pub use connect::{Options, connect, pool};
pub use error::{
    Error, is_foreign_key_violation, is_transient, is_undefined_table, is_unique_violation,
};
pub use fitness::{Fitness, Look, Unfit};
pub use free_space::free_space;
pub use held::HeldConnection;
pub use ids::IdBlocks;
pub use migrate::migrate;
pub use retry::{Retry, bounded};
