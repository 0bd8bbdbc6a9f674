//! Authentication of the sender. The checks begin at MAIL, so that DNS lookups run while the message arrives,
//! and are evaluated at its end. `rules` decides.

use futures::FutureExt as _;
use mail_authentication::{
    Authenticator, Findings, MessageCheck, Methods, SenderFindings, Session,
};
use rules::{ReversePath, Trust};
use tokio_util::task::AbortOnDropHandle;

use super::Connection;

/// The checks of one message. Dropping them aborts them.
pub(super) struct Checks {
    authenticator: Authenticator,
    methods: Methods,
    session: Session,
    sender: SenderCheck,
    message: Option<MessageCheck>,
}

/// The DNS checks of the sender.
enum SenderCheck {
    /// All results were cached.
    Done(SenderFindings),
    /// Lookups run while the message arrives.
    Running(AbortOnDropHandle<SenderFindings>),
}

impl SenderCheck {
    fn begin(by: Authenticator, methods: Methods, of: Session) -> Self {
        let mut check = Box::pin(async move { by.check_sender(methods, of).await });
        match check.as_mut().now_or_never() {
            Some(findings) => Self::Done(findings),
            None => Self::Running(AbortOnDropHandle::new(tokio::spawn(check))),
        }
    }
}

impl Checks {
    /// Passes on the header section.
    pub(super) fn header(&mut self, header: &[u8]) {
        if self.methods.need_message() {
            let check = self.authenticator.begin(self.methods, header.to_vec());
            self.message = Some(check);
        }
    }

    /// Passes on a piece of the text.
    pub(super) fn text(&mut self, piece: &[u8]) {
        if let Some(check) = &mut self.message {
            check.text(piece);
        }
    }
}

impl Connection {
    /// Begins the checks that the policy requires for this sender; `None` if it requires none.
    pub(super) fn begin_checks(
        &self,
        policy: &rules::Policy,
        trust: &Trust,
        sender: &ReversePath,
    ) -> Option<Checks> {
        let rules = &policy.receiving(trust.trusted).authentication;
        if !rules.needs_anything() {
            return None;
        }
        let methods = Methods::from(rules);
        let session = Session {
            peer: self.facts.peer,
            helo: self.host_of_hello(),
            sender: sender.clone(),
            hostname: self.server.hostname.clone(),
        };
        let authenticator = self.server.authenticator.clone();
        let sender = SenderCheck::begin(authenticator.clone(), methods, session.clone());
        Some(Checks {
            authenticator,
            methods,
            session,
            sender,
            message: None,
        })
    }

    /// The HELO name, if it can be looked up: a leniently treated device may send any text.
    fn host_of_hello(&self) -> String {
        let hello = self.session.hello().filter(|hello| hello.is_host());
        hello.map_or_else(String::new, |hello| hello.name.clone())
    }

    /// The results of the checks, at the end of the message.
    pub(super) async fn findings(&self, id: &str, checks: Checks) -> Findings {
        let Checks {
            authenticator,
            methods,
            session,
            sender,
            message,
        } = checks;
        let sender = match sender {
            SenderCheck::Done(findings) => findings,
            SenderCheck::Running(check) => check
                .await
                .unwrap_or_else(|_| SenderFindings::unknown(methods, &session)),
        };
        let findings = authenticator.finish(methods, message, sender).await;
        for found in &findings.results {
            let (method, result) = (found.method.as_str(), found.result.as_str());
            self.server.metrics.authenticated(method, result);
            tracing::debug!(id, method, result, reason = found.reason, "authentication");
        }
        findings
    }
}
