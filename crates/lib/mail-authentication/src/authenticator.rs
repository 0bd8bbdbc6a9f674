//! The checks of a message, and their combined result.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join;
use mail_auth::{AuthenticatedMessage, DkimOutput, MessageAuthenticator};
use rules::AuthenticationResult;
use tokio::time::{Instant, timeout_at};

use crate::dns::Dns;
use crate::findings::{Findings, Method, Reported};
use crate::memory::Memory;
use crate::message_check::MessageCheck;
use crate::methods::Methods;
use crate::sender::{SenderFindings, Session};
use crate::shared::Shared;
use crate::{arc, dkim, dmarc};

/// Makes the checks; clones are cheap, and share the DNS cache.
#[derive(Clone)]
pub struct Authenticator(Arc<Shared>);

impl Deref for Authenticator {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Authenticator {
    /// Uses `dns`; the checks of the sender and those of the message may each take as long as `patience`.
    #[must_use]
    pub fn new(dns: Dns, patience: Duration) -> Self {
        Self(Arc::new(Shared {
            inner: MessageAuthenticator(dns.resolver.clone()),
            dns,
            memory: Memory::new(),
            patience,
        }))
    }

    /// Reverse DNS and SPF. Starts at once; best run in a task of its own.
    pub async fn check_sender(&self, methods: Methods, session: Session) -> SenderFindings {
        SenderFindings::look_up(self, methods, session).await
    }

    /// Starts the look-ups for the signatures after the header section.
    #[must_use]
    pub fn begin(&self, methods: Methods, header: Vec<u8>) -> MessageCheck {
        MessageCheck::new(&self.0, methods, header)
    }

    /// Verifies the signatures after the end of the message, and combines the results.
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

    /// The outcome of each signature; `None` after the time limit.
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

/// No field at all: there are neither signatures nor an author.
fn of_no_header(methods: Methods) -> impl Iterator<Item = Reported> {
    let signatures = methods.dkim.then_some(Method::Dkim);
    let chain = methods.arc.then_some(Method::Arc);
    let none = |method| Reported::new(method, AuthenticationResult::None, "");
    let author = methods.dmarc.then(dmarc::no_author);
    let signed = signatures.into_iter().map(none);
    signed.chain(author).chain(chain.into_iter().map(none))
}
