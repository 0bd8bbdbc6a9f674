//! Sending: submits a message to the queue, as other components do.

mod composed;
mod envelope;
mod fate;
mod reach;
pub(crate) mod source;
mod submit;
pub(crate) mod undeliverable;

use std::io::Read;

use api::queue::v1::{Component, Origin};
use api::queue_client::Enqueuer;
use jiff::Timestamp;
use rules::{Domain, EmailAddress, Policy, ReversePath};
use serde::{Deserialize, Serialize};

use crate::policy::revision;
use crate::{Administration, Deadline, Error};
use composed::Composed;
pub use envelope::{Envelope, Timing};
pub use fate::{Fate, Sent, follow};
use reach::undeliverable;
use source::Trace;
pub use source::{Source, listed};
pub use undeliverable::Undeliverable;

/// A message to compose and send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// Default: the postmaster.
    pub sender: Option<ReversePath>,
    /// At least one.
    pub recipients: Vec<EmailAddress>,
    /// The Subject field.
    pub subject: String,
    /// The text.
    pub body: String,
    /// Requests about time and priority.
    #[serde(default)]
    pub timing: Timing,
}

/// Composes a message, submits it, and returns its number in the queue.
///
/// # Errors
/// If a recipient cannot be reached, there is no sender, or the queue refuses the message; nothing is sent
/// then.
pub async fn compose(
    administration: &Administration,
    component: Component,
    draft: &Draft,
) -> Result<i64, Error> {
    let submission = Submission::begin(administration, component, None).await?;
    let sender = submission.sender(draft.sender.clone())?;
    let source = submission.compose(&sender, draft)?;
    let envelope = Envelope::new(sender, draft.recipients.clone());
    let envelope = envelope.timed(&draft.timing, Timestamp::now())?;
    submission.submit(&envelope, source).await
}

/// A started submission: the policy that judges it, and the additions to the message.
pub struct Submission<'a> {
    administration: &'a Administration,
    component: Component,
    policy_revision: u64,
    policy: Policy,
    trace: Trace,
}

impl<'a> Submission<'a> {
    /// Starts the submission of a message by the program `component`. `full_name` is the author's name for
    /// a message without From.
    ///
    /// # Errors
    /// If the queue does not return the policy.
    pub async fn begin(
        administration: &'a Administration,
        component: Component,
        full_name: Option<String>,
    ) -> Result<Self, Error> {
        let system = administration.system();
        let (policy_revision, policy) = revision::newest_policy(system).await?;
        Ok(Self {
            administration,
            component,
            policy_revision,
            policy,
            trace: Trace::now(system.hostname.clone(), full_name),
        })
    }

    /// The given sender, otherwise the postmaster.
    ///
    /// # Errors
    /// If the policy has no postmaster.
    pub fn sender(&self, named: Option<ReversePath>) -> Result<ReversePath, Error> {
        named.map_or_else(|| postmaster(&self.policy), Ok)
    }

    /// The domain of addresses without one: this host's name if it is a local domain, otherwise the
    /// postmaster's domain, so that mail to root is delivered.
    pub fn origin(&self) -> Option<Domain> {
        origin(&self.administration.system().hostname, &self.policy)
    }

    /// Reads a message's header section and completes it.
    ///
    /// # Errors
    /// If it cannot be read, is too large, or has too many Received fields.
    pub fn open(&self, input: Box<dyn Read + Send>, sender: &ReversePath) -> Result<Source, Error> {
        let unread = |error| Error::Unreadable(format!("the message cannot be read: {error}"));
        Source::open(input, sender, &self.trace).map_err(unread)
    }

    /// Composes the message of a draft.
    ///
    /// # Errors
    /// If it cannot be built.
    pub fn compose(&self, sender: &ReversePath, draft: &Draft) -> Result<Source, Error> {
        let message = Composed {
            sender,
            recipients: &draft.recipients,
            subject: &draft.subject,
            body: &draft.body,
        };
        let message = message.write(&self.trace)?;
        self.open(Box::new(std::io::Cursor::new(message)), sender)
    }

    /// Submits the message and returns its number. The message is durably stored then.
    ///
    /// # Errors
    /// If a recipient cannot be reached, or the queue refuses the message. It is then sent to no recipient,
    /// so the operation can be repeated without duplicates.
    pub async fn submit(self, envelope: &Envelope, source: Source) -> Result<i64, Error> {
        if envelope.recipients.is_empty() {
            return Err(Error::Refused(
                "the message names no recipients in To, Cc or Bcc; name one besides".to_owned(),
            ));
        }
        let system = self.administration.system();
        let refused = undeliverable(system, &self.policy, &envelope.recipients).await;
        if !refused.is_empty() {
            return Err(Error::Undeliverable(refused));
        }
        let taken = submit::take(source, system).await?;
        let mut submission = submit::submission(envelope, taken);
        submission.policy_revision = self.policy_revision;
        submission.origin = Some(Origin {
            component: self.component.into(),
            trust: "command-line".to_owned(),
            session: self.trace.id,
            ..Origin::default()
        });
        let accepted = Enqueuer::new(system.queue_channel(Deadline::Work)?)
            .enqueue(submission)
            .await
            .map_err(submit::refused)?;
        Ok(accepted.message_id)
    }
}

fn postmaster(policy: &Policy) -> Result<ReversePath, Error> {
    let postmaster = policy.forward_path("postmaster");
    postmaster.map(ReversePath::Address).map_err(|_| {
        Error::Invalid("no sender: name one, or name a postmaster in the policy".to_owned())
    })
}

fn origin(hostname: &str, policy: &Policy) -> Option<Domain> {
    let host: Option<Domain> = hostname.parse().ok();
    let postmaster = policy.forward_path("postmaster").ok();
    let postmaster = postmaster.and_then(|address| address.domain().cloned());
    host.clone()
        .filter(|host| policy.is_local(host))
        .or(postmaster)
        .or(host)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    const LOCAL: &str = "[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n";

    fn policy(document: &str) -> Policy {
        Policy::parse(document).unwrap()
    }

    #[test]
    fn the_postmaster_sends_when_nobody_is_named() {
        let sender = postmaster(&policy(LOCAL)).unwrap();
        assert_eq!(sender.to_string(), "postmaster@example.test");
        let error = postmaster(&policy("")).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)));
    }

    #[test]
    fn addresses_without_a_domain_are_of_a_domain_whose_mail_is_ours() {
        let told = |hostname: &str, document: &str| {
            origin(hostname, &policy(document)).map(|domain| domain.to_string())
        };
        assert_eq!(told("example.test", LOCAL).unwrap(), "example.test");
        assert_eq!(told("host.elsewhere.test", LOCAL).unwrap(), "example.test");
        assert_eq!(told("host.test", "").unwrap(), "host.test");
        assert_eq!(told("no host", ""), None);
    }
}
