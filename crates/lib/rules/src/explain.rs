//! Plays a session that has not happened, and tells what was looked at.
//!
//! Nothing is decided here: a session is admitted as smtp-server admits it, and what the admission
//! asks for is answered by what the play supposes. A new fact is a line in `facts`, a new receiving
//! rule a check of an admission.

pub(crate) mod circumstances;
pub(crate) mod content;
pub(crate) mod facts;
pub(crate) mod play;
pub(crate) mod recipient;
mod rules;
pub(crate) mod session;
pub(crate) mod step;
pub(crate) mod trust;

#[cfg(test)]
mod tests;
