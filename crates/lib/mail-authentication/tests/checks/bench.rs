//! A name server, and the checks that ask it.

use std::time::Duration;

use hickory_resolver::TokioResolver;
use mail_authentication::{Authenticator, Dns, Findings, Method, Methods, Session};
use rules::ReversePath;
use test_kit::FakeDns;

/// What the checks may take where the name server answers.
const TIME_LIMIT: Duration = Duration::from_secs(20);

pub(crate) const ALL: Methods = Methods {
    iprev: true,
    spf: true,
    dkim: true,
    dmarc: true,
    arc: true,
};

pub(crate) struct Bench {
    pub(crate) authenticator: Authenticator,
    resolver: TokioResolver,
    _dns: FakeDns,
}

pub(crate) fn session(peer: &str, helo: &str, sender: &str) -> Session {
    Session {
        peer: peer.parse().unwrap(),
        helo: helo.to_owned(),
        sender: ReversePath::parse(sender).unwrap(),
        hostname: "mail.example.test".to_owned(),
    }
}

impl Bench {
    pub(crate) async fn start(zone: &str) -> Self {
        Self::impatient(zone, TIME_LIMIT).await
    }

    pub(crate) async fn impatient(zone: &str, patience: Duration) -> Self {
        let dns = FakeDns::start(zone).await;
        let asked = Dns::new(Some(dns.address())).unwrap();
        Self {
            authenticator: Authenticator::new(asked, patience),
            resolver: resolver::build(Some(dns.address()), |_| ()).unwrap(),
            _dns: dns,
        }
    }

    /// One of the library's own, that asks the same server.
    pub(crate) fn resolver(&self) -> TokioResolver {
        self.resolver.clone()
    }

    /// A whole message, in pieces of `step` octets.
    pub(crate) async fn check(
        &self,
        methods: Methods,
        session: Session,
        message: &[u8],
        step: usize,
    ) -> Findings {
        let sender = self.authenticator.check_sender(methods, session).await;
        let end = memchr::memmem::find(message, b"\r\n\r\n").map_or(message.len(), |at| at + 4);
        let (header, text) = message.split_at(end);
        let mut check = self.authenticator.begin(methods, header.to_vec());
        text.chunks(step).for_each(|piece| check.text(piece));
        self.authenticator
            .finish(methods, Some(check), sender)
            .await
    }

    /// A message of a stranger whose session does not matter.
    pub(crate) async fn message(&self, methods: Methods, message: &[u8]) -> Findings {
        let session = session("192.0.2.1", "client.test", "");
        self.check(methods, session, message, 7).await
    }
}

/// `result subject` of each result of a method.
pub(crate) fn told(findings: &Findings, method: Method) -> Vec<String> {
    findings
        .of(method)
        .map(|one| format!("{} {}", one.result, one.subject).trim().to_owned())
        .collect()
}
