//! What is noted of a refusal: the log, the metrics, and the queue's memory of refusals.

use std::borrow::Cow;

use api::queue::v1::Refusal;
pub(super) use api::refusals::now_ms;
use api::refusals::shown;
use rules::{LENIENT_MAY_TAKE_IT, Written};
use smtp_protocol::Path;
use smtp_protocol::server::Misspoken;

use super::Connection;

/// Recipients that are named of a message that is refused as a whole.
const NAMED: usize = 10;

/// What the client asks for, as it writes it: for who wants to know later what was refused.
#[derive(Default)]
pub(super) struct Asked {
    reverse_path: String,
    /// The recipient in question.
    recipient: Option<String>,
    /// Those that were accepted before, the first of them by name.
    accepted: Vec<String>,
    more: usize,
    /// The transaction's id, once there is one.
    id: Option<String>,
    /// The name that is to log in.
    login: Option<String>,
}

impl Asked {
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

    /// The recipient in question was accepted, or refused: the next may be.
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

/// What of a command is against the grammar, where `lenient` is about it.
fn against_the_grammar(misspoken: &Misspoken) -> Option<Written<'_>> {
    let said = misspoken.said.as_str();
    match misspoken.name {
        "malformed-hello" => {
            let name = said.split_once(' ').map_or("", |(_, name)| name);
            Some(Written::Hello(name.trim_start_matches(' ')))
        }
        "malformed-sender" | "malformed-recipient" => {
            let (_, path) = said.split_once(':')?;
            let path = path.trim_start_matches(' ');
            let end = path.find(['>', ' ']).unwrap_or(path.len());
            Some(Written::Path(path[..end].trim_start_matches('<')))
        }
        "bare-line-feed" => Some(Written::LineFeed),
        _ => None,
    }
}

impl Connection {
    /// The one line of the log about a refusal. Reasons name people: they are for debugging, and
    /// for whoever asks the queue.
    pub(super) fn note_refusal(&self, verdict: &'static str, reasons: &[Cow<'static, str>]) {
        let id = self.asked.id.as_deref();
        let login = self.asked.login.as_deref().map(shown);
        let login = login.as_deref();
        tracing::info!(peer = %self.facts.peer, listener = %self.facts.listener, id, login, verdict, "refused");
        if !reasons.is_empty() {
            tracing::debug!(verdict, ?reasons, "refused because");
        }
        self.keep_refusal(verdict, reasons);
    }

    /// A command that was refused for how it was said.
    pub(super) fn note_misspoken(&mut self, misspoken: &Misspoken) {
        let mut reasons = vec![Cow::from(format!("answered: {}", misspoken.reply))];
        if !misspoken.said.is_empty() {
            reasons.push(format!("said: {}", misspoken.said).into());
        }
        if self.lenient_would_take(misspoken) {
            reasons.push(LENIENT_MAY_TAKE_IT.into());
        }
        self.note_refusal(misspoken.name, &reasons);
    }

    fn lenient_would_take(&self, misspoken: &Misspoken) -> bool {
        let Some(written) = against_the_grammar(misspoken) else {
            return false;
        };
        self.server.policy.current().is_some_and(|now| {
            let trust = now.policy.trust(&self.facts);
            now.policy.lenient_would_take(&trust, written)
        })
    }

    /// What was refused, for metrics and the queue; the log has it already.
    pub(super) fn keep_refusal(&self, verdict: &'static str, reasons: &[Cow<'static, str>]) {
        self.server.metrics.refused(verdict);
        self.server.refusals.note(self.refusal(verdict, reasons));
    }

    /// Who is to log in, or has.
    fn login_in_question(&self) -> String {
        let login = self.asked.login.as_ref().or(self.facts.login.as_ref());
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
            reverse_path: self.asked.reverse_path.clone(),
            recipient: self.asked.recipients(),
            verdict: verdict.to_owned(),
            reasons: reasons.iter().map(ToString::to_string).collect(),
            policy_revision: revision,
            session: self.asked.id.clone().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lenient_is_about_is_found_in_what_was_said() {
        use Written::{Hello, LineFeed, Path};
        for (name, said, expected) in [
            (
                "malformed-hello",
                "EHLO bob's phone",
                Some(Hello("bob's phone")),
            ),
            ("malformed-hello", "EHLO", Some(Hello(""))),
            (
                "malformed-sender",
                "MAIL FROM:<root> SIZE=5",
                Some(Path("root")),
            ),
            ("malformed-sender", "MAIL FROM: root", Some(Path("root"))),
            ("malformed-sender", "MAIL root", None),
            (
                "malformed-recipient",
                "RCPT TO:<b@x.test> NOTIFY=",
                Some(Path("b@x.test")),
            ),
            ("bare-line-feed", "", Some(LineFeed)),
            ("command-out-of-place", "MAIL FROM:<root>", None),
        ] {
            let misspoken = Misspoken {
                name,
                said: said.to_owned(),
                reply: smtp_protocol::Reply::new(501, 5, 4, ""),
            };
            assert_eq!(against_the_grammar(&misspoken), expected, "{said}");
        }
    }

    #[test]
    fn a_message_refused_as_a_whole_names_its_recipients() {
        let mut asked = Asked::default();
        for n in 0..13 {
            asked.recipient = Some(format!("u{n}@x.test"));
            assert_eq!(asked.recipients(), format!("u{n}@x.test"));
            asked.answered(n != 1);
        }
        let recipients = asked.recipients();
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
