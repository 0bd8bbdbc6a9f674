//! The programs of the services, beside this one.

use std::path::PathBuf;

use super::child::Program;
use super::services::SERVICES;
use crate::failure::Failure;

/// The services' names, in the order in which they start.
pub(crate) fn service_names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|kind| kind.name)
}

/// `postern-NAME`.
pub(crate) fn service_program(name: &str) -> Result<PathBuf, Failure> {
    Program::beside_us(name).map_err(Failure::from)
}
