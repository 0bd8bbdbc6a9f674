//! The policy document: TOML, parsed into values. Each value is checked with its line number; `compile`
//! checks relations between sections.

mod attachments;
mod authentication;
mod choice;
mod collect;
mod compile;
mod defaults;
mod delivery;
mod dns;
mod domains;
mod gateway;
mod parse;
mod quarantine;
mod rates;
mod read;
mod receiving;
pub(crate) mod reference;
mod sections;
pub(crate) mod settings;
mod trust;
