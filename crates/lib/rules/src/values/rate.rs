//! Rates by address, network, login or sender, and greylisting.

use std::time::Duration;

use serde::Serialize;

/// One rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// What is counted.
    pub count: Counted,
    /// The kind of subject.
    pub per: Per,
    /// The limit in a period: 1 to 1,000,000.
    pub limit: u32,
    /// The period: a second to a day.
    pub period: Duration,
}

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// Greeted connections.
    Connections,
    /// Accepted MAIL commands.
    Messages,
    /// Accepted RCPT commands.
    Recipients,
}

/// The kind of subject that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// The peer's address; for IPv6 its /64, which one customer has.
    Address,
    /// The peer's network: /24 for IPv4, /48 for IPv6.
    Network,
    /// The login.
    Login,
    /// The reverse-path.
    Sender,
}

/// Greylisting: an unknown client must retry later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Greylisting {
    /// The minimum waiting time.
    pub delay: Duration,
    /// The time limit of the retry.
    pub retry_within: Duration,
    /// How long a client is remembered after its last visit.
    pub remember: Duration,
}
