//! A domain rule to be added.

use rules::Domain;
use serde::{Deserialize, Serialize};

/// A domain rule to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDomain {
    /// None is `*`: every domain that no other rule names.
    pub name: Option<Domain>,
    /// Other names of the same domain.
    pub aliases: Vec<Domain>,
    /// Where its mail goes.
    pub deliver: Deliver,
    /// Who may send to it when its mail goes elsewhere; as the policy has it unless given.
    pub from: Option<OpenTo>,
    /// What happens to recipients without a mailbox; they are refused unless given.
    pub unmatched: Option<Unmatched>,
}

/// Where the mail of a domain goes, as the policy's document says it.
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

/// Who may send to a domain whose mail goes elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpenTo {
    /// A backup relay.
    Everyone,
    /// Trusted clients alone.
    Trusted,
}

impl OpenTo {
    /// As the policy's document has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Trusted => "trusted",
        }
    }
}

/// What happens to recipients without a mailbox.
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
