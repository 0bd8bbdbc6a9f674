//! `policy.v1`: the policy's revisions, validated as a whole before they are taken, and the
//! secrets that it names.
//!
//! `revisions` keeps the newest in memory for those who watch;
//! `service` is the gRPC side. What the policy means is the crate `rules`' business.

mod revisions;
mod service;

pub(crate) use revisions::Policies;
#[cfg(test)]
pub(crate) use revisions::Proposal;
pub(crate) use service::PolicyService;
