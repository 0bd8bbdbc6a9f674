//! `policy.v1`: revisions of the policy, each validated as a whole before it is stored, and the secrets that
//! the policy names.
//!
//! `revisions` keeps the newest in memory for watchers. `service` is the gRPC side. The crate `rules`
//! interprets the policy.

mod revisions;
mod service;

pub(crate) use revisions::Policies;
#[cfg(test)]
pub(crate) use revisions::Proposal;
pub(crate) use service::PolicyService;
