//! What a sender may ask of when and how soon a message goes on: FUTURERELEASE (RFC 4865),
//! DELIVERBY (RFC 2852), MT-PRIORITY (RFC 6710).

use std::time::Duration;

/// What MAIL asks; times in milliseconds from when it came. Below zero they have been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// So long the message is to be held.
    pub hold: Option<i64>,
    /// So soon it is to be delivered.
    pub deliver_by: Option<i64>,
    /// It is to be returned when it is late.
    pub or_return: bool,
    /// Before which others it is to go, -9 to 9.
    pub priority: Option<i8>,
}

/// What a session is offered of these. What it is not offered it is not told of, and what it asks
/// of it all the same is not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// FUTURERELEASE: messages are held at most so long.
    pub hold: Option<Duration>,
    /// DELIVERBY: messages are asked back after so long at the soonest.
    pub deliver_by: Option<Duration>,
    /// MT-PRIORITY.
    pub priority: bool,
}
