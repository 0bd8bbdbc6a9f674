//! Assumptions of a play about the world around a session: the storage, the DNS, earlier traffic, and the
//! message. Rules whose facts are not given are not evaluated.

mod attachments;
pub(crate) mod notation;

use std::net::Ipv4Addr;

use crate::values::address::EmailAddress;
use crate::values::authentication::{AuthenticationFacts, Finding};
use crate::values::dns::DomainStanding;
use crate::values::domain::Domain;
use crate::values::facts::Early;
use crate::values::path::ReversePath;
use crate::values::rate::Counted;

pub use attachments::{Attachment, Attachments};

/// The assumptions of a play. `None` means unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assumptions {
    /// When the client speaks.
    pub talk: Option<EarlyTalk>,
    /// The lists that contain the client; all others do not.
    pub listed: Option<Vec<ListEntry>>,
    /// Free octets of the mail volume.
    pub free: Option<u64>,
    /// The DNS standing of the sender's domain.
    pub standing: Option<DomainStanding>,
    /// What is left of the rate of connections.
    pub connections: Option<RateState>,
    /// What is left of the rate of messages.
    pub messages: Option<RateState>,
    /// What is left of the rate of recipients.
    pub recipients: Option<RateState>,
    /// Whether greylisting has seen this client before.
    pub visitor: Option<GreylistState>,
    /// The results of sender authentication.
    pub authentication: AuthenticationFacts,
    /// The attachments of the message.
    pub attachments: Option<Attachments>,
    /// The addresses of the From field; an inner `None` is an entry that is no address.
    pub authors: Option<Vec<Option<EmailAddress>>>,
}

/// The time at which a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlyTalk {
    /// In its turn.
    InTurn,
    /// Too early.
    Early(Early),
}

/// A list that contains an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// The list.
    pub zone: Domain,
    /// Its answers.
    pub answers: Vec<Ipv4Addr>,
}

/// The state of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateState {
    /// Room for one more.
    Left,
    /// Used up.
    UsedUp,
}

/// Whether greylisting has seen this client, sender and recipient before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GreylistState {
    /// New: it must retry later.
    New,
    /// Known: it has waited.
    Known,
}

impl Assumptions {
    /// Both sets of assumptions; `more` has precedence.
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

    pub(crate) fn share(&self, count: Counted) -> Option<RateState> {
        match count {
            Counted::Connections => self.connections,
            Counted::Messages => self.messages,
            Counted::Recipients => self.recipients,
        }
    }

    /// The results, with the usual subject for those without one.
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
