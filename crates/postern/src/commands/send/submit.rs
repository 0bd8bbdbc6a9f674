//! A message on its way into the queue, for every command that sends one.

use api::intake::{Intake, IntakeError};
use api::message::v1::Content;
use api::queue::v1::{
    Accepted, Component, DeliveryOptions, Notify, Origin, Recipient, ReturnContent, Submission,
};
use api::queue_client::{EnqueueError, Enqueuer};
use rules::{EmailAddress, NoUser, Policy, ReversePath, Route};

use super::source::{Source, Trace};
use crate::commands::asked;
use crate::failure::Failure;
use crate::system::{Asked, System};

/// Whom a message is from and for, and what is to be said of its delivery (RFC 3461).
pub(in crate::commands) struct Envelope {
    pub(in crate::commands) sender: ReversePath,
    pub(in crate::commands) recipients: Vec<EmailAddress>,
    /// As the queue keeps it; 0: nothing is asked for.
    pub(in crate::commands) notify: Option<Notify>,
    pub(in crate::commands) return_content: ReturnContent,
    /// In xtext.
    pub(in crate::commands) envelope_id: String,
    /// 0: it is not held.
    pub(in crate::commands) hold_until_ms: i64,
    pub(in crate::commands) options: Option<DeliveryOptions>,
}

impl Envelope {
    /// Repeated recipients get one message.
    pub(in crate::commands) fn new(sender: ReversePath, recipients: Vec<EmailAddress>) -> Self {
        Self {
            sender,
            recipients: without_repeats(recipients),
            notify: None,
            return_content: ReturnContent::Unspecified,
            envelope_id: String::new(),
            hold_until_ms: 0,
            options: None,
        }
    }
}

pub(super) fn without_repeats(addresses: Vec<EmailAddress>) -> Vec<EmailAddress> {
    let mut seen = std::collections::HashSet::with_capacity(addresses.len());
    addresses
        .into_iter()
        .filter(|address| seen.insert(address.clone()))
        .collect()
}

/// A recipient that delivery would only return to the sender.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::commands) struct Undeliverable {
    pub(in crate::commands) recipient: EmailAddress,
    /// Name of the verdict.
    pub(in crate::commands) verdict: &'static str,
    pub(in crate::commands) reason: String,
}

/// The recipients of whom it is known already that they cannot be reached. Where mailbox-store is
/// away nobody is: delivery finds out.
pub(in crate::commands) async fn undeliverable(
    system: &System,
    policy: &Policy,
    recipients: &[EmailAddress],
) -> Vec<Undeliverable> {
    let asked = recipients.iter().flat_map(|to| policy.users_asked(to));
    let users = asked::users(system, asked.collect()).await.ok();
    let has_user = |user: &EmailAddress| users.as_ref().is_none_or(|users| users.contains(user));
    recipients
        .iter()
        .filter_map(|recipient| judge(policy, recipient, &has_user))
        .collect()
}

fn judge(
    policy: &Policy,
    recipient: &EmailAddress,
    has_user: &dyn Fn(&EmailAddress) -> bool,
) -> Option<Undeliverable> {
    let (verdict, reason) = match policy.route(recipient) {
        Route::Refuse { verdict, rule } => (verdict.name, format!("refused by {rule}")),
        Route::Mailbox {
            user,
            otherwise: otherwise @ NoUser::Refuse,
            rule,
        } if !has_user(&user) => (
            otherwise.verdict().name,
            format!("{user} has no mailbox ({rule})"),
        ),
        _ => return None,
    };
    Some(Undeliverable {
        recipient: recipient.clone(),
        verdict,
        reason,
    })
}

/// Puts a message into the queue. It is there, for good, when this returns.
pub(in crate::commands) async fn submit(
    system: &System,
    component: Component,
    envelope: &Envelope,
    source: Source,
    trace: &Trace,
    policy_revision: u64,
) -> Result<Accepted, Failure> {
    let taken = take(source, system).await?;
    let mut submission = submission(envelope, taken);
    submission.policy_revision = policy_revision;
    submission.origin = Some(Origin {
        component: component.into(),
        trust: "command-line".to_owned(),
        session: trace.id.clone(),
        ..Origin::default()
    });
    Enqueuer::new(system.queue_channel(Asked::Work)?)
        .enqueue(submission)
        .await
        .map_err(refused)
}

/// A message as the queue wants it.
struct Taken {
    content: Content,
    eight_bit: bool,
    utf8_header: bool,
}

async fn take(mut source: Source, system: &System) -> Result<Taken, Failure> {
    let unread = |error: std::io::Error| {
        Failure::System(format!("the message cannot be read to its end: {error}"))
    };
    let failed = |error: IntakeError| match error {
        IntakeError::Scan(error) => Failure::refused(error.to_string()),
        IntakeError::Blocked(blocked) => Failure::refused(blocked.to_string()),
        // As SMTP would refuse it: 5.6.0 says that a message's content is none (RFC 3463 §3.7).
        error @ IntakeError::Nul => Failure::refused(format!("{error} (5.6.0)")),
        IntakeError::Upload(status) => Failure::call("the queue", &status),
    };
    let utf8_header = !source.header().is_ascii();
    let mut eight_bit = utf8_header;
    let mut intake = Intake::to_queue(system.queue_channel(Asked::Work)?);
    intake.push(source.header()).await.map_err(failed)?;
    while let Some(piece) = source.next().map_err(unread)? {
        eight_bit = eight_bit || !piece.is_ascii();
        intake.push(&piece).await.map_err(failed)?;
    }
    Ok(Taken {
        content: intake.finish().await.map_err(failed)?,
        eight_bit,
        utf8_header,
    })
}

fn submission(envelope: &Envelope, taken: Taken) -> Submission {
    let utf8_address = envelope
        .sender
        .address()
        .into_iter()
        .chain(&envelope.recipients)
        .any(EmailAddress::needs_smtputf8);
    let recipients = envelope.recipients.iter().map(|address| Recipient {
        address: address.to_string(),
        notify: envelope.notify,
        ..Recipient::default()
    });
    Submission {
        reverse_path: envelope.sender.to_string(),
        recipients: recipients.collect(),
        content: Some(taken.content),
        eight_bit: taken.eight_bit,
        smtputf8: utf8_address || taken.utf8_header,
        envelope_id: envelope.envelope_id.clone(),
        return_content: envelope.return_content.into(),
        hold_until_ms: envelope.hold_until_ms,
        options: envelope.options.clone(),
        ..Submission::default()
    }
}

fn refused(error: EnqueueError) -> Failure {
    match error {
        EnqueueError::Refused(_) => Failure::refused(error.to_string()),
        EnqueueError::Unavailable(_) => Failure::System(format!(
            "{error}; is the system running? Start it by `postern up`, or say where it is by \
             --data or --config"
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    const POLICY: &str = r#"
        [[domain]]
        name = "example.test"
        deliver = "mailboxes"
        [[domain.handler]]
        match = "closed"
        deliver = "refuse"
        [[domain]]
        name = "quiet.test"
        deliver = "mailboxes"
        unmatched = "accept"
        [[domain]]
        name = "all.test"
        deliver = "mailboxes"
        unmatched = { catch-all = "gone" }
    "#;

    #[test]
    fn who_cannot_be_reached_is_known_at_once_and_nobody_else_is_refused() {
        let policy = Policy::parse(POLICY).unwrap();
        let bob: EmailAddress = "bob@example.test".parse().unwrap();
        for (recipient, expected) in [
            ("Bob@EXAMPLE.test", None),
            ("eve@example.test", Some("no-such-user")),
            ("closed@example.test", Some("refused-by-handler")),
            // Accepted at the door; a rule to be mended; somebody else's.
            ("eve@quiet.test", None),
            ("eve@all.test", None),
            ("eve@elsewhere.test", None),
        ] {
            let recipient = recipient.parse().unwrap();
            let judged = judge(&policy, &recipient, &|user| *user == bob);
            assert_eq!(judged.map(|found| found.verdict), expected, "{recipient}");
        }
    }

    #[test]
    fn repeated_recipients_get_one_message() {
        let addresses = ["a@x.test", "b@x.test", "a@X.test"].map(|a| a.parse().unwrap());
        assert_eq!(without_repeats(addresses.to_vec()).len(), 2);
    }
}
