//! Who vouches for the sender: begun at MAIL, so that the DNS is waited for while the message comes,
//! and decided when it has come. What is decided is `rules`'.

use std::borrow::Cow;

use futures::FutureExt as _;
use mail_authentication::{
    Authenticator, Findings, MessageCheck, Methods, SenderFindings, Session, without_forged,
};
use rules::{ReversePath, Trust};
use tokio_util::task::AbortOnDropHandle;

use super::Connection;

/// The checks of one message. Dropped, they end.
pub(super) struct Checks {
    authenticator: Authenticator,
    methods: Methods,
    session: Session,
    sender: SenderCheck,
    message: Option<MessageCheck>,
}

/// Of the sender, what the DNS has to say.
enum SenderCheck {
    /// All of it was remembered.
    Done(SenderFindings),
    /// It is asked for while the message comes.
    Asked(AbortOnDropHandle<SenderFindings>),
}

impl SenderCheck {
    fn begin(by: Authenticator, methods: Methods, of: Session) -> Self {
        let mut check = Box::pin(async move { by.check_sender(methods, of).await });
        match check.as_mut().now_or_never() {
            Some(findings) => Self::Done(findings),
            None => Self::Asked(AbortOnDropHandle::new(tokio::spawn(check))),
        }
    }
}

impl Checks {
    /// The header section has come.
    pub(super) fn header(&mut self, header: &[u8]) {
        if self.methods.need_message() {
            let check = self.authenticator.begin(self.methods, header.to_vec());
            self.message = Some(check);
        }
    }

    /// More of the text has come.
    pub(super) fn text(&mut self, piece: &[u8]) {
        if let Some(check) = &mut self.message {
            check.text(piece);
        }
    }
}

impl Connection {
    /// Begins what the policy wants to know of this sender; nothing where it wants nothing.
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

    /// What may be asked of the DNS: a device that is treated leniently gives any text.
    fn host_of_hello(&self) -> String {
        let hello = self.session.hello().filter(|hello| hello.is_host());
        hello.map_or_else(String::new, |hello| hello.name.clone())
    }

    /// The message has come: what the checks ended in.
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
            SenderCheck::Asked(asked) => asked
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

    /// Whether what a message says in our name is believed: only our own hosts, on their own
    /// behalf, may bring back what we have written.
    pub(super) fn may_speak_for_us(&self, trust: &Trust) -> bool {
        trust.trusted && self.facts.login.is_none()
    }
}

/// The header section without results in our name, unless whoever sends it is believed.
pub(super) fn without_results<'a>(
    header: &'a [u8],
    hostname: &str,
    believed: bool,
) -> Cow<'a, [u8]> {
    if believed {
        Cow::Borrowed(header)
    } else {
        without_forged(header, hostname)
    }
}
