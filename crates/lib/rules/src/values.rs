//! What is decided from and what is decided: values. They know neither the document that they were
//! read from nor the questions that are asked of them.

pub(crate) mod address;
pub(crate) mod attachments;
pub(crate) mod authentication;
pub(crate) mod authentication_rules;
pub(crate) mod collect;
pub(crate) mod content;
pub(crate) mod delivery;
pub(crate) mod dns;
pub(crate) mod domain;
pub(crate) mod domain_rule;
pub(crate) mod duration;
pub(crate) mod error;
pub(crate) mod facts;
pub(crate) mod gateway;
pub(crate) mod hello;
pub(crate) mod interface;
pub(crate) mod network;
pub(crate) mod path;
pub(crate) mod pattern;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod quarantine;
pub(crate) mod rate;
pub(crate) mod receiving;
pub(crate) mod route;
pub(crate) mod size;
pub(crate) mod timing;
pub(crate) mod trust;
pub(crate) mod verdict;
