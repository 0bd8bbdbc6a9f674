//! The facts of a simulated session: from the request, this host's interfaces, the running system and the
//! DNS.

use host_network::{Snapshot, local_address_towards};
use rules::{Assumptions, ReverseName, SessionFacts, SessionInterface};

use super::message::Message;
use super::place::{self, Host, Supposed};
use super::{Session, dns, sender};
use crate::policy::QueriedPolicy;
use crate::{Error, System};

/// All known facts of a session.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) facts: SessionFacts,
    pub(super) supposed: Vec<Supposed>,
    pub(super) assumptions: Assumptions,
    pub(super) message: Option<&'a Message>,
}

impl<'a> Known<'a> {
    /// Collects the facts from the request, this host, the running system and the DNS.
    pub(super) async fn learn(
        session: &Session,
        message: Option<&'a Message>,
        queried: &QueriedPolicy,
        system: &System,
    ) -> Result<Self, Error> {
        // Without readable interfaces nothing is known of the network.
        let network = (!queried.is_document)
            .then(|| Snapshot::read().ok())
            .flatten();
        let host = network.map(|network| Host {
            network,
            settings: &system.interfaces,
            route: local_address_towards,
        });
        let mut known = Self::said(session, message, host.as_ref())?;
        let class = session.class.or(system.class_of(&session.listener));
        known.facts.class = class.unwrap_or_default();
        let role = session.role.or(system.role_of(&session.listener));
        known.facts.role = role.unwrap_or_default();
        if session.ask_dns {
            known.ask_dns(session, queried, system).await?;
        }
        let limited = |trusted| queried.policy.receiving(trusted).min_free_space.is_some();
        let unknown = known.assumptions.free.is_none();
        if unknown && !queried.is_document && (limited(true) || limited(false)) {
            known.assumptions.free = system.free_space().await?;
        }
        Ok(known)
    }

    fn said(
        session: &Session,
        message: Option<&'a Message>,
        host: Option<&Host<'_>>,
    ) -> Result<Self, Error> {
        let mut assumptions = Assumptions::default();
        for said in &session.assumptions {
            let told = assumptions.set(&said.name, &said.value);
            told.map_err(|reason| Error::Invalid(format!("{}: {reason}", said.name)))?;
        }
        if let Some(message) = message {
            assumptions.authors = Some(intake::authors(message.header()).collect());
        }
        let mut facts = facts(session);
        let supposed = place::complete(&mut facts, session.local, host);
        Ok(Self {
            facts,
            supposed,
            assumptions,
            message,
        })
    }

    /// Queries the DNS as the SMTP server does. Facts of the request have precedence.
    async fn ask_dns(
        &mut self,
        session: &Session,
        queried: &QueriedPolicy,
        system: &System,
    ) -> Result<(), Error> {
        let dns = dns::resolver(system)?;
        if session.reverse_names.is_empty() {
            dns::reverse_name(&dns, &queried.policy, &mut self.facts).await;
        }
        let sender = sender::read(&session.sender, &queried.policy, &self.facts)?;
        let questions = dns::Questions {
            policy: &queried.policy,
            facts: &self.facts,
            sender: &sender.path,
            message: self.message,
        };
        let found = questions.ask(dns, system).await;
        self.assumptions = found.beside(&self.assumptions);
        Ok(())
    }
}

fn facts(session: &Session) -> SessionFacts {
    let (peer, local) = (session.peer, session.local.unwrap_or(session.peer));
    let mut facts = SessionFacts::new(session.listener.as_str(), peer, local);
    facts.interface = session
        .interface
        .as_ref()
        .map(|interface| SessionInterface {
            name: interface.name.as_str().into(),
            class: interface.class,
            // As a detected class: the peer's address must fit.
            set: false,
            reason: "as given".into(),
        });
    facts.proxy = session.proxy;
    facts.reverse_name = match session.reverse_names.as_slice() {
        [] => ReverseName::None,
        [one] if one == "failed" => ReverseName::Failed,
        names => ReverseName::Confirmed(names.iter().map(|name| name.to_lowercase()).collect()),
    };
    facts.gateways = session.gateways.clone().into();
    facts.helo.clone_from(&session.helo);
    facts.login.clone_from(&session.login);
    facts.tls = session.tls;
    facts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use std::path::Path;

    use rules::{ListenerRole, Policy};

    use super::*;
    use crate::explain::{Assumption, play};

    fn session() -> Session {
        Session {
            peer: "203.0.113.9".parse().unwrap(),
            listener: "mx".to_owned(),
            sender: "a@x.test".to_owned(),
            recipients: vec!["b@y.test".to_owned()],
            ..Session::new("203.0.113.9".parse().unwrap())
        }
    }

    fn queried(document: &str) -> QueriedPolicy {
        QueriedPolicy {
            name: "a file".to_owned(),
            policy: Policy::parse(document).unwrap(),
            is_document: true,
        }
    }

    fn system(configuration: &str) -> System {
        let folder = Path::new("/srv/mail");
        System::read(configuration, folder, folder, |_| None).unwrap()
    }

    #[tokio::test]
    async fn the_role_is_the_named_listeners_unless_said_otherwise() {
        let system = system(
            "[[smtp-server.listener]]\naddress = \"127.0.0.1:587\"\n\
             name = \"office\"\nrole = \"submission\"\n",
        );
        for (listener, said, role) in [
            ("mx", None, ListenerRole::Mx),
            ("other", None, ListenerRole::Mx),
            ("office", None, ListenerRole::Submission),
            ("office", Some(ListenerRole::Mx), ListenerRole::Mx),
            (
                "mx",
                Some(ListenerRole::Submission),
                ListenerRole::Submission,
            ),
        ] {
            let session = Session {
                listener: listener.to_owned(),
                role: said,
                ..session()
            };
            let known = Known::learn(&session, None, &queried(""), &system).await;
            assert_eq!(known.unwrap().facts.role, role, "{listener} {said:?}");
        }
    }

    const ZONE: &str = "\
9.113.0.203.bl.test A 127.0.0.2
x.test TXT \"v=spf1 -all\"
";

    #[tokio::test]
    async fn the_dns_is_asked_and_what_is_said_counts_more() {
        let dns = test_kit::FakeDns::start(ZONE).await;
        let system = system(&format!(
            "[smtp-server]\nresolver = \"{}\"\n",
            dns.address()
        ));
        let queried = queried(
            "[receiving.untrusted]\nsender-domain-must-exist = true\nspf = \"check\"\n\
             dns-lists = [{ zone = \"bl.test\", score = 1 }]\n",
        );
        let said = |name: &str, value: &str| Assumption {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        for (assumptions, verdict) in [
            (Vec::new(), "dns-listed"),
            (vec![said("listed", "none")], "sender-domain-missing"),
            (
                vec![said("listed", "none"), said("sender-domain", "usable")],
                "accepted",
            ),
        ] {
            let session = Session {
                ask_dns: true,
                assumptions,
                ..session()
            };
            let known = Known::learn(&session, None, &queried, &system).await;
            let known = known.unwrap();
            let spf = known.assumptions.authentication.spf.as_ref().unwrap();
            assert_eq!(spf.result.as_str(), "fail");
            let explained = play(&session, &known, &queried, &|_| true).unwrap();
            assert_eq!(explained.story.sender.name, verdict);
        }
    }
}
