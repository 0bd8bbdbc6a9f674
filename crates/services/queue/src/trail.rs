//! The log lines by which a message is followed, of the target `mail`: accepted here, tried by delivery,
//! decided about by an administrator. Each has the queue's number (`message_id`) and, unless the message was
//! made of another, the id that its reply and its Received field name it by (`id`). docs/logs.md lists the fields.

use crate::submission::Prepared;

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
