//! Plays a simulated session and reports each rule.
//!
//! Nothing is decided here: the session is admitted as smtp-server admits it, and the play's assumptions
//! answer the admission's questions. A new fact is a line in `facts`, a new receiving rule a check of an
//! admission.

pub(crate) mod assumptions;
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
