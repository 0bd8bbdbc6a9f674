//! The log lines by which a message is followed, of the target `mail`: accepted here, tried by delivery,
//! decided about by an administrator. Each has the queue's number (`message_id`) and, unless the message was
//! made of another, the id that its reply and its Received field name it by (`id`). docs/logs.md lists the fields.

use api::queue::v1::{Component, Origin};

use crate::submission::Prepared;

/// Longest id that is kept. Front ends make ids of 13 to 16 characters.
const LONGEST_SESSION: usize = 64;

/// Where a message came from, as far as the log and the history name it.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    component: Component,
    peer: String,
    login: String,
    session: String,
}

impl Source {
    pub(crate) fn of(origin: Origin) -> Self {
        let component = origin.component();
        let mut session = origin.session;
        // Ids are compared without regard to case: people read them out.
        session.make_ascii_uppercase();
        Self {
            component,
            peer: origin.peer_address,
            login: origin.login,
            session,
        }
    }

    /// The id by which the front end named the message. What is made of another has none.
    pub(crate) fn session(&self) -> Option<&str> {
        let is_id = (1..=LONGEST_SESSION).contains(&self.session.len())
            && self
                .session
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric());
        is_id.then_some(&*self.session)
    }
}

/// A message was committed: its recipients will be tried, or it is kept in quarantine.
/// `about`: the message that it was made of.
pub(crate) fn accepted(message_id: i64, size: i64, about: Option<i64>, submission: &Prepared) {
    let source = &submission.source;
    let (peer, login) = (known(&source.peer), known(&source.login));
    let quarantine = submission.quarantine.as_ref();
    let what = if quarantine.is_some() {
        "quarantined"
    } else {
        "accepted"
    };
    tracing::info!(
        target: "mail",
        id = source.session(),
        message_id,
        about,
        component = source.component.name(),
        peer,
        login,
        sender = %Sender(&submission.reverse_path),
        recipients = submission.recipients.len(),
        size,
        verdict = quarantine.map(|quarantine| verdict(&quarantine.reason)),
        "{what}"
    );
}

/// The verdict's name, with which a reason begins. What follows names people.
fn verdict(reason: &str) -> &str {
    reason.split_once(':').map_or(reason, |(name, _)| name)
}

/// An administrator let a message go on, or removed it; or its time in quarantine has ended.
pub(crate) fn decided(message_id: i64, session: Option<&str>, recipients: i64, what: &'static str) {
    tracing::info!(target: "mail", id = session, message_id, recipients, "{what}");
}

fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The null reverse-path is written as SMTP writes it.
struct Sender<'a>(&'a str);

impl std::fmt::Display for Sender<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "<>" } else { self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(session: &str) -> Source {
        Source::of(Origin {
            session: session.to_owned(),
            ..Origin::default()
        })
    }

    #[test]
    fn a_message_has_the_id_of_its_front_end_in_upper_case() {
        let smtp = source("01M8pp6d2x9q7");
        assert_eq!(smtp.session(), Some("01M8PP6D2X9Q7"));
        let strange = ["", "a b", "é", &"A".repeat(65)];
        for session in strange {
            assert_eq!(source(session).session(), None, "{session}");
        }
    }
}
