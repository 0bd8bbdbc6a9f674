//! Every statement on the schema `queue`, checked at compile time. This module decides nothing.
//!
//! Statements take the time as a parameter, by the service's clock, which follows the database's (`clock`).
//! Each hot statement handles a whole batch in one round trip: rows travel as arrays, unnested.

pub(crate) mod accounts;
pub(crate) mod collected;
pub(crate) mod complete;
pub(crate) mod days;
pub(crate) mod derivation;
pub(crate) mod enqueue;
pub(crate) mod gateways;
pub(crate) mod history;
pub(crate) mod leases;
pub(crate) mod listing;
pub(crate) mod quarantine;
pub(crate) mod refusals;
pub(crate) mod retry;
pub(crate) mod revisions;
pub(crate) mod secrets;
pub(crate) mod throttle;
pub(crate) mod uncollected;

/// Bits by which a message's id is shifted to form recipient ids. The statements use the literal 14.
const RECIPIENT_BITS: u32 = 14;

/// Largest id of a message that leaves room for its recipients' ids.
pub(crate) const LARGEST_MESSAGE_ID: i64 = (1 << 48) - 2;

/// The id of a message's `n`th recipient, counted from 0.
pub(crate) fn recipient_id(message_id: i64, n: usize) -> i64 {
    debug_assert!(n < 1 << RECIPIENT_BITS);
    (message_id << RECIPIENT_BITS) + n as i64
}

/// The message that a recipient belongs to.
pub(crate) fn message_id(recipient_id: i64) -> i64 {
    recipient_id >> RECIPIENT_BITS
}

#[cfg(test)]
pub(crate) mod model_tests;
