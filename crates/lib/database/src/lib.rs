//! Access to Postgres for the services that own a schema: the pool, the migrations runner and the meaning
//! of SQLSTATEs.
//!
//! This crate knows no table. SQL belongs to the service (or to `volume`) that owns the schema.

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
    Error, is_foreign_key_violation, is_lock_timeout, is_object_in_use, is_transient,
    is_undefined_table, is_unique_violation,
};
pub use fitness::{Fitness, Look, Unfit};
pub use free_space::free_space;
pub use held::HeldConnection;
pub use ids::IdBlocks;
pub use migrate::migrate;
pub use retry::{Retry, bounded};
