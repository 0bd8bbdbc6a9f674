//! The structure of a message as values: the MIME fields of a part, boundaries, and the tree of parts.
//! [`crate::scanner`] fills them, and `wire` writes them.

mod boundary;
mod fields;
mod tree;

pub(crate) use boundary::{Boundaries, Hit};
pub(crate) use fields::{Mime, MimeFields};
pub(crate) use tree::{Node, Tree};
