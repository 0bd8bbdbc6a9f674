//! Current DNS answers about a session and a message, queried as smtp-server does.

use std::time::Duration;

use mail_authentication::{Authenticator, Dns, Methods, ReverseNames, Session};
use rules::{Assumptions, ListEntry, Policy, ReversePath, SessionFacts};

use super::message::Message;
use crate::{Error, System};

/// Queries the facts that are not given. Needs the facts of the session, including the reverse name looked
/// up by [`reverse_name`].
pub(super) struct Questions<'a> {
    pub(super) policy: &'a Policy,
    pub(super) facts: &'a SessionFacts,
    pub(super) sender: &'a ReversePath,
    pub(super) message: Option<&'a Message>,
}

/// The resolver that the system's configuration names.
pub(super) fn resolver(system: &System) -> Result<Dns, Error> {
    Dns::new(system.resolver).map_err(|error| Error::Configuration(error.to_string()))
}

/// The client's reverse DNS names, if a trust policy needs them.
pub(super) async fn reverse_name(dns: &Dns, policy: &Policy, facts: &mut SessionFacts) {
    facts.reverse_name = rules::ReverseName::NotAsked;
    if policy.asks_reverse_name(facts) {
        facts.reverse_name = ReverseNames::new(dns.clone()).of(facts.peer).await;
    }
}

impl Questions<'_> {
    /// The DNS answers. Given assumptions are queried too, without effect.
    pub(super) async fn ask(&self, dns: Dns, system: &System) -> Assumptions {
        let trust = self.policy.trust_of_sender(self.facts, self.sender);
        let rules = self.policy.receiving(trust.trusted);
        let authenticator = Authenticator::new(dns, Duration::from_secs(system.dns_timeout));
        let mut told = Assumptions::default();
        let listings = authenticator
            .listings(self.facts.peer, &rules.dns.lists)
            .await;
        let listings = listings
            .into_iter()
            .filter(|listing| !listing.answers.is_empty());
        told.listed = Some(
            listings
                .map(|listing| ListEntry {
                    zone: listing.list.zone.clone(),
                    answers: listing.answers,
                })
                .collect(),
        );
        if let Some(domain) = self.policy.domain_to_ask(&trust, self.sender) {
            told.standing = Some(authenticator.standing(domain).await);
        }
        told.authentication = self
            .vouched_for(&authenticator, Methods::from(&rules.authentication), system)
            .await;
        told
    }

    async fn vouched_for(
        &self,
        authenticator: &Authenticator,
        methods: Methods,
        system: &System,
    ) -> rules::AuthenticationFacts {
        let session = Session {
            peer: self.facts.peer,
            helo: self.facts.helo.clone().unwrap_or_default(),
            sender: self.sender.clone(),
            hostname: system.hostname.clone(),
        };
        let sender = authenticator.check_sender(methods, session).await;
        let check = self.message.map(|message| {
            let mut check = authenticator.begin(methods, message.header().to_vec());
            check.text(message.text());
            check
        });
        authenticator.finish(methods, check, sender).await.facts()
    }
}
