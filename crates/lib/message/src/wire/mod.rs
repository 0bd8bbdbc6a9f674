//! Writing values as they go over an IMAP wire (RFC 3501 §4, §7.4.2; RFC 9051 §7.5.2).

mod envelope;
mod strings;
mod structure;

pub(crate) use envelope::{EnvelopeFields, envelope};
pub(crate) use structure::{Form, structure};
