//! Writes values in IMAP's wire form (RFC 3501 §4, §7.4.2; RFC 9051 §7.5.2).

mod envelope;
mod strings;
mod structure;

pub(crate) use envelope::{EnvelopeFields, envelope};
pub(crate) use structure::{Form, structure};
