//! What all checks share.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join;
use mail_auth::{AuthenticatedMessage, DkimOutput, MessageAuthenticator};
use rules::{AuthenticationResult, AuthenticationRules};
use tokio::time::{Instant, timeout_at};

use crate::dns::Dns;
use crate::findings::{Findings, Method, Reported};
use crate::memory::Memory;
use crate::message_check::MessageCheck;
use crate::sender::{SenderFindings, Session};
use crate::{arc, dkim, dmarc};

/// Which checks are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Methods {
    /// Reverse DNS.
    pub iprev: bool,
    /// SPF.
    pub spf: bool,
    /// DKIM.
    pub dkim: bool,
    /// DMARC; needs SPF and DKIM.
    pub dmarc: bool,
    /// ARC.
    pub arc: bool,
}

impl From<&AuthenticationRules> for Methods {
    fn from(rules: &AuthenticationRules) -> Self {
        Self {
            iprev: rules.iprev.checked,
            spf: rules.needs_spf(),
            dkim: rules.needs_dkim(),
            dmarc: rules.dmarc.checked,
            arc: rules.arc,
        }
    }
}

impl Methods {
    /// Whether the message itself is looked at.
    #[must_use]
    pub fn need_message(self) -> bool {
        self.dkim || self.dmarc || self.arc
    }
}

/// Makes the checks; clones are cheap, and share what is remembered of the DNS.
#[derive(Clone)]
pub struct Authenticator(Arc<Shared>);

/// What all clones share.
pub struct Shared {
    pub(crate) inner: MessageAuthenticator,
    pub(crate) dns: Dns,
    pub(crate) memory: Memory,
    pub(crate) patience: Duration,
}

impl Deref for Authenticator {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Authenticator {
    /// Asks `dns`; each of the two halves of the checks, that of the sender and that of the message,
    /// may take as long as `patience`.
    #[must_use]
    pub fn new(dns: Dns, patience: Duration) -> Self {
        Self(Arc::new(Shared {
            inner: MessageAuthenticator(dns.resolver.clone()),
            dns,
            memory: Memory::new(),
            patience,
        }))
    }

    /// Reverse DNS and SPF. It begins at once and is best left to a task of its own.
    pub async fn check_sender(&self, methods: Methods, session: Session) -> SenderFindings {
        SenderFindings::look_up(self, methods, session).await
    }

    /// The header section is complete. Begins to look up what its signatures need.
    #[must_use]
    pub fn begin(&self, methods: Methods, header: Vec<u8>) -> MessageCheck {
        MessageCheck::new(self, methods, header)
    }

    /// The message has ended: verifies its signatures, and what follows from everything together.
    pub async fn finish(
        &self,
        methods: Methods,
        check: Option<MessageCheck>,
        sender: SenderFindings,
    ) -> Findings {
        let Some(mut check) = check.filter(|_| methods.need_message()) else {
            return of_sender(&sender);
        };
        let deadline = Instant::now() + self.patience;
        check.end(deadline).await;
        let mut findings = of_sender(&sender);
        let Some((message, unfit)) = check.hashed() else {
            findings.results.extend(of_no_header(methods));
            findings.dmarc_request = dmarc::OF_NO_AUTHOR;
            return findings;
        };
        let (signatures, chain) = join(
            self.signatures(methods, &message, deadline),
            self.chain(methods, &message, deadline),
        )
        .await;
        if methods.dkim {
            let reported = dkim::reported(&message, signatures.as_deref(), unfit);
            findings.results.extend(reported);
        }
        if methods.dmarc {
            let signatures = signatures.as_deref().unwrap_or_default();
            let check = dmarc::verify(self, &message, check.header(), signatures, &sender);
            let (reported, request) = match timeout_at(deadline, check).await {
                Ok(checked) => checked,
                Err(_) => dmarc::out_of_time(&message),
            };
            findings.results.push(reported);
            findings.dmarc_request = request;
        }
        findings.results.extend(chain);
        findings
    }

    /// The outcome of each signature; `None` when the time has run out.
    async fn signatures<'x>(
        &'x self,
        methods: Methods,
        message: &'x AuthenticatedMessage<'x>,
        deadline: Instant,
    ) -> Option<Vec<DkimOutput<'x>>> {
        if !methods.dkim {
            return Some(Vec::new());
        }
        let check = self.memory.with(&self.memory.keys, message);
        timeout_at(deadline, self.inner.verify_dkim(check))
            .await
            .ok()
    }

    async fn chain(
        &self,
        methods: Methods,
        message: &AuthenticatedMessage<'_>,
        deadline: Instant,
    ) -> Option<Reported> {
        if !methods.arc {
            return None;
        }
        Some(
            match timeout_at(deadline, arc::verify(self, message)).await {
                Ok(reported) => reported,
                Err(_) => Reported::new(Method::Arc, AuthenticationResult::TempError, ""),
            },
        )
    }
}

fn of_sender(sender: &SenderFindings) -> Findings {
    Findings {
        results: sender.results.clone(),
        ..Findings::default()
    }
}

/// Not a single field: nobody has signed anything, and nobody is the author.
fn of_no_header(methods: Methods) -> impl Iterator<Item = Reported> {
    let signatures = methods.dkim.then_some(Method::Dkim);
    let chain = methods.arc.then_some(Method::Arc);
    let none = |method| Reported::new(method, AuthenticationResult::None, "");
    let author = methods.dmarc.then(dmarc::no_author);
    let signed = signatures.into_iter().map(none);
    signed.chain(author).chain(chain.into_iter().map(none))
}
