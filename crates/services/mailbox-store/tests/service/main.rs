//! The whole service, running, called as other processes call it.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

mod actors;
mod askers;
mod crowd;
mod fake_directory;
mod postgres_restart;
mod requests;
mod rights;
mod running;
mod upkeep;
