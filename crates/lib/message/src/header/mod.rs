//! Header sections in wire form: fields, addresses, content types. Values stay raw (encoded words are
//! kept); only folding, quoting and comments are removed where the syntax of a field defines them.

mod address;
mod author;
mod content;
mod fields;
mod message_ids;
mod tokens;

#[cfg(test)]
mod tests;

pub use address::{AddrSpec, Address, Mailbox, addresses, first_address};
pub use author::{AuthorDomains, AuthorError, author_domains, authors};
pub use content::{Disposition, MediaType, Parameter, disposition, languages, media_type};
pub use fields::{Field, Fields, fields, unfold, without};
pub use message_ids::message_ids;
pub(crate) use tokens::{Token, Tokens};
