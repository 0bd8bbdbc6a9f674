//! The decisions of a policy. Each is a pure function of values; nothing is decided elsewhere.

pub(crate) mod attachments;
pub(crate) mod authentication;
pub(crate) mod dns;
pub(crate) mod interface;
pub(crate) mod leniency;
pub(crate) mod ownership;
pub(crate) mod plan;
pub(crate) mod queue_run;
pub(crate) mod rate;
pub(crate) mod recipient;
pub(crate) mod references;
pub(crate) mod route;
pub(crate) mod sender;
pub(crate) mod timing;
pub(crate) mod trust;
