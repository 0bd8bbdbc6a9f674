//! A new domain rule.

use rules::Domain;
use serde::{Deserialize, Serialize};

/// A new domain rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDomain {
    /// `None` is `*`: every domain without its own rule.
    pub name: Option<Domain>,
    /// Other names of the same domain.
    pub aliases: Vec<Domain>,
    /// The route of its mail.
    pub deliver: Deliver,
    /// Who may send to it if its mail goes to another server; default: the policy's.
    pub from: Option<OpenTo>,
    /// The action for recipients without a mailbox; default: refuse.
    pub unmatched: Option<Unmatched>,
}

/// The route of a domain's mail, as in the policy document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deliver {
    /// To its users' mailboxes.
    Mailboxes,
    /// To one mailbox.
    Mailbox(String),
    /// To the domain's own servers.
    Direct,
    /// To the gateway of this name.
    Gateway(String),
}

/// Who may send to a domain whose mail goes to another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpenTo {
    /// A backup relay.
    Everyone,
    /// Only trusted clients.
    Trusted,
}

impl OpenTo {
    /// The spelling in the policy document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Trusted => "trusted",
        }
    }
}

/// The action for recipients without a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmatched {
    /// They are refused.
    Refuse,
    /// They are accepted, and returned to the sender.
    Accept,
    /// This mailbox gets their mail.
    CatchAll(String),
}
