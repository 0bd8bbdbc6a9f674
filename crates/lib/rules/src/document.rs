//! The policy document: TOML, read into values. Each value is checked by itself, with the line it
//! stands on; what one section says about another is checked in `compile`.

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
