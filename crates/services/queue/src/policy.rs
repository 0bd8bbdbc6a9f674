//! `policy.v1`: revisions of the policy, each validated as a whole before it is stored, and the secrets that
//! the policy names.
//!
//! `revisions` keeps the newest in memory for those who watch; `needed_secrets` knows which secrets it names for whom;
//! `service` is the gRPC side. What the policy means is the crate `rules`' business.

mod needed_secrets;
mod revisions;
mod service;

pub(crate) use revisions::Policies;
#[cfg(test)]
pub(crate) use revisions::Proposal;
pub(crate) use service::PolicyService;
