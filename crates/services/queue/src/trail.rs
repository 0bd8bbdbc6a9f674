//! Log lines that trace a message, with the target `mail`: accepted, tried by delivery, decided by an
//! administrator. Each has the queue's number (`message_id`). Unless the message is derived, each also has
//! the id from its reply and its Received field (`id`). docs/logs.md lists the fields.

use crate::submission::Prepared;

/// Logs a committed message: its recipients will be tried, or it is in quarantine. `about`: its parent, for a
/// derived message.
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

/// The verdict's name, with which the reason begins. The rest of the reason names people.
fn verdict(reason: &str) -> &str {
    reason.split_once(':').map_or(reason, |(name, _)| name)
}

/// Logs the end of a quarantine: released or removed by an administrator, or expired.
pub(crate) fn decided(message_id: i64, session: Option<&str>, recipients: i64, what: &'static str) {
    tracing::info!(target: "mail", id = session, message_id, recipients, "{what}");
}

fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Writes the null reverse-path as SMTP does.
struct Sender<'a>(&'a str);

impl std::fmt::Display for Sender<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "<>" } else { self.0 })
    }
}
