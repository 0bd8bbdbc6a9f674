//! Requests of a sender about time and priority: FUTURERELEASE (RFC 4865), DELIVERBY (RFC 2852),
//! MT-PRIORITY (RFC 6710).

use std::time::Duration;

/// The requests of MAIL; times in milliseconds since it arrived. Negative times are in the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// How long the message is to be held.
    pub hold: Option<i64>,
    /// When it is to be delivered at the latest.
    pub deliver_by: Option<i64>,
    /// Whether it is to be returned if it is late.
    pub or_return: bool,
    /// The priority, -9 to 9.
    pub priority: Option<i8>,
}

/// The extensions offered to a session. Extensions that are not offered are not announced, and their
/// parameters are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// FUTURERELEASE: the maximum time to hold a message.
    pub hold: Option<Duration>,
    /// DELIVERBY: the minimum delivery time.
    pub deliver_by: Option<Duration>,
    /// MT-PRIORITY.
    pub priority: bool,
}
