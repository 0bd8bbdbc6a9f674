//! What a play may be told of the world around a session: the storage, the DNS, what came before,
//! and the message. What it is not told is not evaluated.

mod attachments;
pub(crate) mod told;

use std::net::Ipv4Addr;

use crate::values::address::EmailAddress;
use crate::values::authentication::{AuthenticationFacts, Finding};
use crate::values::dns::DomainStanding;
use crate::values::domain::Domain;
use crate::values::facts::Early;
use crate::values::path::ReversePath;
use crate::values::rate::Counted;

pub use attachments::{Attachment, Attachments};

/// See the module. `None` is what nobody knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// When the client spoke.
    pub talk: Option<Talk>,
    /// The lists that the client is on; on all others it is not.
    pub listed: Option<Vec<Listed>>,
    /// Free octets where mail is stored.
    pub free: Option<u64>,
    /// What the DNS says of the sender's domain.
    pub standing: Option<DomainStanding>,
    /// What is left of the rate of connections.
    pub connections: Option<Share>,
    /// What is left of the rate of messages.
    pub messages: Option<Share>,
    /// What is left of the rate of recipients.
    pub recipients: Option<Share>,
    /// Whether greylisting has seen this before.
    pub visitor: Option<Visitor>,
    /// What vouches for the sender.
    pub authentication: AuthenticationFacts,
    /// What the message brings.
    pub attachments: Option<Attachments>,
    /// Who stands in the From field; `None` within for something that is no address.
    pub authors: Option<Vec<Option<EmailAddress>>>,
}

/// When a client spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// When it was its turn.
    InTurn,
    /// Before.
    Early(Early),
}

/// A list that has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The list.
    pub zone: Domain,
    /// What it answers.
    pub answers: Vec<Ipv4Addr>,
}

/// What is left of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Enough for one more.
    Left,
    /// Nothing.
    UsedUp,
}

/// Whether greylisting has seen this client, sender and recipient before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// It is to come again.
    New,
    /// It has waited.
    Known,
}

impl Circumstances {
    /// Both together; what `more` says counts.
    #[must_use]
    pub fn beside(&self, more: &Self) -> Self {
        fn or<T: Clone>(more: &Option<T>, this: &Option<T>) -> Option<T> {
            more.as_ref().or(this.as_ref()).cloned()
        }
        let (this, new) = (&self.authentication, &more.authentication);
        Self {
            talk: or(&more.talk, &self.talk),
            listed: or(&more.listed, &self.listed),
            free: or(&more.free, &self.free),
            standing: or(&more.standing, &self.standing),
            connections: or(&more.connections, &self.connections),
            messages: or(&more.messages, &self.messages),
            recipients: or(&more.recipients, &self.recipients),
            visitor: or(&more.visitor, &self.visitor),
            authentication: AuthenticationFacts {
                iprev: or(&new.iprev, &this.iprev),
                spf_helo: or(&new.spf_helo, &this.spf_helo),
                spf: or(&new.spf, &this.spf),
                dkim: or(&new.dkim, &this.dkim),
                dmarc_request: match new.dmarc {
                    Some(_) => new.dmarc_request,
                    None => this.dmarc_request,
                },
                dmarc: or(&new.dmarc, &this.dmarc),
                arc: or(&new.arc, &this.arc),
            },
            attachments: or(&more.attachments, &self.attachments),
            authors: or(&more.authors, &self.authors),
        }
    }

    pub(crate) fn share(&self, count: Counted) -> Option<Share> {
        match count {
            Counted::Connections => self.connections,
            Counted::Messages => self.messages,
            Counted::Recipients => self.recipients,
        }
    }

    /// The results, each with whom it is about where nobody said: whom it is about as a rule.
    pub(crate) fn vouched_for(
        &self,
        peer: std::net::IpAddr,
        helo: Option<&str>,
        sender: &ReversePath,
    ) -> AuthenticationFacts {
        let mut facts = self.authentication.clone();
        let helo = || helo.unwrap_or_default().to_owned();
        let sender = sender.address();
        let author = self.authors.iter().flatten().flatten().next().or(sender);
        let domain = || author.map(|author| author.host().to_string());
        name(&mut facts.iprev, || peer.to_string());
        name(&mut facts.spf_helo, helo);
        name(&mut facts.spf, || {
            sender.map_or_else(helo, ToString::to_string)
        });
        name(&mut facts.dkim, || domain().unwrap_or_default());
        name(&mut facts.dmarc, || domain().unwrap_or_default());
        facts
    }
}

fn name(finding: &mut Option<Finding>, subject: impl FnOnce() -> String) {
    if let Some(finding) = finding
        && finding.subject.is_empty()
    {
        finding.subject = subject();
    }
}
