//! Limits on how much may come from one address, network, login or sender, and greylisting.

use std::time::Duration;

use serde::Serialize;

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// What is counted.
    pub count: Counted,
    /// Of whom.
    pub per: Per,
    /// How many in a period: 1 to 1,000,000.
    pub limit: u32,
    /// The period: a second to a day.
    pub period: Duration,
}

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// Connections that are greeted.
    Connections,
    /// MAIL commands that are accepted.
    Messages,
    /// RCPT commands that are accepted.
    Recipients,
}

/// By what those who are counted are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// The peer's address; of IPv6 its /64, which is one customer's.
    Address,
    /// The peer's network: /24 of IPv4, /48 of IPv6.
    Network,
    /// The login.
    Login,
    /// The reverse-path.
    Sender,
}

/// Greylisting: who has not been here before is told to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Greylisting {
    /// How long one is to wait.
    pub delay: Duration,
    /// When one must have come back.
    pub retry_within: Duration,
    /// How long one is known from the last visit on.
    pub remember: Duration,
}
