//! Records of a refusal: the log, the metrics, and the queue's list of refusals.

use std::borrow::Cow;

use api::clock::now_ms;
use api::queue::v1::Refusal;
use api::refusals::shown;
use rules::LENIENT_MAY_TAKE_IT;
use smtp_protocol::Path;
use smtp_protocol::server::Misspoken;

use super::Connection;

/// Maximum number of recipients listed for a message refused as a whole.
const NAMED: usize = 10;

/// What the client asked for, as written, to explain the refusal later.
#[derive(Default)]
pub(super) struct RefusalContext {
    reverse_path: String,
    /// The recipient being decided.
    recipient: Option<String>,
    /// The first of the recipients accepted so far.
    accepted: Vec<String>,
    more: usize,
    /// The transaction's id, once it has begun.
    id: Option<String>,
    /// The user name of the login.
    login: Option<String>,
}

impl RefusalContext {
    pub(super) fn mail(reverse_path: &Path) -> Self {
        Self {
            reverse_path: written(reverse_path),
            ..Self::default()
        }
    }

    pub(super) fn login(name: &str) -> Self {
        Self {
            login: Some(name.to_owned()),
            ..Self::default()
        }
    }

    pub(super) fn rcpt(&mut self, forward_path: &Path) {
        self.recipient = Some(written(forward_path));
    }

    /// A transaction has begun.
    pub(super) fn begun(&mut self, id: &str) {
        self.id = Some(id.to_owned());
    }

    /// The recipient was accepted or refused.
    pub(super) fn answered(&mut self, accepted: bool) {
        let recipient = self.recipient.take();
        match recipient.filter(|_| accepted) {
            Some(recipient) if self.accepted.len() < NAMED => self.accepted.push(recipient),
            Some(_) => self.more += 1,
            None => {}
        }
    }

    fn recipients(&self) -> String {
        if let Some(recipient) = &self.recipient {
            return recipient.clone();
        }
        let mut recipients = self.accepted.join(", ");
        if self.more > 0 {
            recipients.push_str(&format!(" and {} more", self.more));
        }
        recipients
    }
}

fn written(path: &Path) -> String {
    match path {
        Path::Mailbox(mailbox) => mailbox.as_str().to_owned(),
        Path::Postmaster => "postmaster".to_owned(),
        Path::Null => String::new(),
        Path::Local(local) => local.clone(),
    }
}

impl Connection {
    /// Logs a refusal in one line. Its reasons contain personal data: they are logged for debugging only, and
    /// stored in the queue.
    pub(super) fn note_refusal(&self, verdict: &'static str, reasons: &[Cow<'static, str>]) {
        let id = self.context.id.as_deref();
        let login = self.context.login.as_deref().map(shown);
        let login = login.as_deref();
        tracing::info!(peer = %self.facts.peer, listener = %self.facts.listener, id, login, verdict, "refused");
        if !reasons.is_empty() {
            tracing::debug!(verdict, ?reasons, "refused because");
        }
        self.keep_refusal(verdict, reasons);
    }

    /// Records a command refused for its syntax.
    pub(super) fn note_misspoken(&mut self, misspoken: &Misspoken) {
        let mut reasons = vec![Cow::from(format!("answered: {}", misspoken.reply))];
        if !misspoken.said.is_empty() {
            reasons.push(format!("said: {}", misspoken.said).into());
        }
        if misspoken.leniently && self.lenient_is_off() {
            reasons.push(LENIENT_MAY_TAKE_IT.into());
        }
        self.note_refusal(misspoken.name, &reasons);
    }

    fn lenient_is_off(&self) -> bool {
        self.server.policy.current().is_some_and(|now| {
            let trust = now.policy.trust(&self.facts);
            now.policy.lenient_is_off(&self.facts, &trust)
        })
    }

    /// Records a refusal in the metrics and the queue. It is logged already.
    pub(super) fn keep_refusal(&self, verdict: &'static str, reasons: &[Cow<'static, str>]) {
        self.server.metrics.refused(verdict);
        self.server.refusals.note(self.refusal(verdict, reasons));
    }

    /// The user who is or was logging in.
    fn login_in_question(&self) -> String {
        let login = self.context.login.as_ref().or(self.facts.login.as_ref());
        login.cloned().unwrap_or_default()
    }

    fn refusal(&self, verdict: &'static str, reasons: &[Cow<'static, str>]) -> Refusal {
        let at_ms = now_ms();
        let revision = match &self.transaction {
            Some(transaction) => transaction.snapshot.revision,
            None => self.server.policy.current().map_or(0, |now| now.revision),
        };
        Refusal {
            at_ms,
            last_at_ms: at_ms,
            count: 1,
            peer_address: self.facts.peer.to_string(),
            helo: self.facts.helo.clone().unwrap_or_default(),
            login: self.login_in_question(),
            listener: self.facts.listener.to_string(),
            reverse_path: self.context.reverse_path.clone(),
            recipient: self.context.recipients(),
            verdict: verdict.to_owned(),
            reasons: reasons.iter().map(ToString::to_string).collect(),
            policy_revision: revision,
            session: self.context.id.clone().unwrap_or_default(),
            // The queue takes it from the connection.
            service: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_refused_as_a_whole_names_its_recipients() {
        let mut context = RefusalContext::default();
        for n in 0..13 {
            context.recipient = Some(format!("u{n}@x.test"));
            assert_eq!(context.recipients(), format!("u{n}@x.test"));
            context.answered(n != 1);
        }
        let recipients = context.recipients();
        assert!(
            recipients.starts_with("u0@x.test, u2@x.test, "),
            "{recipients}"
        );
        assert!(
            recipients.ends_with("u10@x.test and 2 more"),
            "{recipients}"
        );
    }
}
