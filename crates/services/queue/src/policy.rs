//! `policy.v1`: the policy's revisions, validated as a whole before they are taken, and the
//! secrets that it names.
//!
//! `revisions` keeps the newest in memory for those who watch; `vault` seals and opens secrets;
//! `service` is the gRPC side. What the policy means is the crate `rules`' business.

mod revisions;
mod service;
mod vault;

pub(crate) use revisions::Policies;
pub(crate) use service::PolicyService;
pub(crate) use vault::Vault;
