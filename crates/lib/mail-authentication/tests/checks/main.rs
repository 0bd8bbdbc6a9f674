//! The checks against a name server of the tests' own.
#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

mod arc;
mod bench;
mod dkim;
mod dmarc;
mod domains;
mod fragments;
mod hostile;
mod lists;
mod memory;
mod sender;
mod signing;
