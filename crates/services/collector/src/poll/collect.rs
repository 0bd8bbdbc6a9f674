//! Collection of one message from the remote server into the queue.

use api::collection::v1::CollectedMessage;
use api::queue::v1::{Collected, Component, Origin, QuarantineTerms, Recipient, Submission};
use api::queue_client::EnqueueError;
use intake::{Intake, IntakeError, Screened};
use message::LineEnds;
use message::attachments::Blocked;
use message::header::fields;
use message::trace;
use rules::ReversePath;

use super::messages::MessageState;
use super::without_forged::WithoutForged;
use super::{Left, ListedMessage, Poll, PollError};
use crate::identity::{Hasher, Identity};
use crate::memory::TRY_AGAIN;
use crate::remote::{Remote, subject};

/// A message that was read to its end.
struct ReceivedMessage {
    identity: Identity,
    /// Its Return-Path.
    reverse_path: String,
    /// Its subject, as far as it was read.
    subject: String,
    /// Octets, as received from the server.
    size: u64,
    /// The content, or why it can never be accepted.
    content: Result<Screened, String>,
}

impl Poll<'_> {
    /// Reads the message and passes it to the queue, which may know it already. The message is committed when
    /// this returns success.
    pub(super) async fn collect(
        &mut self,
        remote: &mut Remote,
        listed: &ListedMessage,
        known: &[CollectedMessage],
    ) -> Result<MessageState, PollError> {
        if let Some(reason) = self.services.no_room(self.policy) {
            return Err(PollError::Queue(reason.to_owned()));
        }
        // A message without a recipient is not read: it stays on the server.
        self.require_mailbox().await?;
        self.note(listed).await?;
        if let Err(reason) = remote.retrieve(listed.number).await? {
            let reason = format!("the server refused RETR: {reason}");
            self.refused_retr.push((listed.clone(), reason));
            return Ok(MessageState::Left);
        }
        // The server sends other messages: those refused before were at fault.
        self.gave = true;
        self.blame_refused();
        let session = session_id();
        let taken = match self.take(remote, &session).await {
            Err(PollError::Endless) => {
                // The session cannot continue after this message; the next one skips it.
                self.refuse(listed, "it is larger than its server said", "");
                return Err(PollError::Endless);
            }
            taken => taken?,
        };
        if let Some(size) = listed.size.filter(|size| taken.size < *size) {
            if taken.size == 0 {
                let reason = format!("its server lists {size} octets and sent none");
                self.refuse(listed, &reason, "");
                return Ok(MessageState::Left);
            }
            self.short.push(listed.clone());
        }
        let identity = taken.identity;
        let in_ledger = |entry: &CollectedMessage| identity.is_unfiltered(&entry.content_hash);
        let name = match listed.is_named {
            true => listed.name.clone(),
            false => identity.name(),
        };
        if known.iter().any(in_ledger) {
            self.memory.whole_seen(listed);
            return Ok(MessageState::Committed);
        }
        if let Some(entry) = self.known_by_content(&identity, &name).await? {
            self.memory.whole_seen(listed);
            return Ok(MessageState::Renamed(entry));
        }
        let screened = match taken.content {
            Ok(screened) => screened,
            Err(reason) => {
                self.refuse(listed, &reason, &taken.subject);
                return Ok(MessageState::Left);
            }
        };
        let collected = Collected {
            account: self.account.name.to_string(),
            remote_id: name,
            content_hash: identity.to_vec().into(),
        };
        let submission = self.submission(remote, screened, collected, taken.reverse_path, session);
        match self.services.enqueuer.enqueue(submission).await {
            Ok(accepted) => {
                self.polled.collected += u32::from(!accepted.duplicate);
                self.memory.whole_seen(listed);
                Ok(MessageState::Committed)
            }
            Err(EnqueueError::Refused(reason)) => {
                self.refuse(listed, &reason, &taken.subject);
                Ok(MessageState::Left)
            }
            Err(EnqueueError::Unavailable(reason)) => Err(PollError::Queue(reason)),
        }
    }

    fn refuse(&mut self, listed: &ListedMessage, reason: &str, subject: &str) {
        tracing::warn!(
            account = %self.account.name, uidl = %listed.name, reason,
            "a message stays on the server"
        );
        self.memory.refused(listed);
        self.polled.refused += 1;
        self.leave(listed, reason, subject);
    }

    /// Records for the administrator that a message stays on the server.
    pub(super) fn leave(&mut self, listed: &ListedMessage, reason: &str, subject: &str) {
        let left = Left {
            name: &listed.name,
            size: listed.size.unwrap_or(0),
            subject,
            reason,
        };
        self.uncollected.refused(left, TRY_AGAIN, self.now_ms());
    }

    /// Reads to the end of the message, even if it cannot be accepted: the session continues after it.
    async fn take(&self, remote: &mut Remote, session: &str) -> Result<ReceivedMessage, PollError> {
        let mut hasher = Hasher::default();
        let mut ends = LineEnds::default();
        let mut without_forged = WithoutForged::new(&self.services.hostname);
        let mut complete = Vec::new();
        let mut size = 0_u64;
        let mut intake = self.intake();
        intake.put_above(&self.received(remote, session));
        let mut intake = Ok(intake);
        while let Some(piece) = remote.piece().await? {
            size += piece.len() as u64;
            // Sizes in LIST are estimates, but not off by a factor of two.
            if size > self.services.config.max_message_size.saturating_mul(2) {
                return Err(PollError::Endless);
            }
            hasher.push(&piece);
            ends.push(&piece, &mut complete);
            without_forged.push(&mut complete);
            push(&mut intake, &complete).await?;
        }
        push(&mut intake, &without_forged.end()).await?;
        let (reverse_path, subject) = match &intake {
            Ok(intake) => (reverse_path(intake.header()), subject(intake.header())),
            Err(_) => (String::new(), String::new()),
        };
        let content = match intake {
            Ok(intake) => settle(intake.finish_screened().await)?.inspect(|screened| {
                for attachment in &screened.removed {
                    tracing::info!(account = %self.account.name, session, "{attachment}");
                }
            }),
            Err(reason) => Err(reason),
        };
        Ok(ReceivedMessage {
            identity: hasher.finish(),
            reverse_path,
            subject,
            size,
            content,
        })
    }

    /// The sender of a collected message is unknown: the rules for strangers apply.
    fn intake(&self) -> Intake {
        let intake = Intake::to_queue(self.services.queue.clone());
        match self.policy.current() {
            Some(snapshot) => intake.screened(&snapshot.policy.receiving(false).attachments),
            None => intake,
        }
    }

    fn received(&self, remote: &Remote, session: &str) -> String {
        let tls = remote.tls();
        let protection = tls
            .as_ref()
            .map(|tls| format!("{} {}", tls.version, tls.cipher));
        trace::received(&trace::Received {
            helo: &self.account.server,
            peer: Some(remote.peer()),
            peer_name: None,
            by: &self.services.hostname,
            protocol: if tls.is_some() { "POP3S" } else { "POP3" },
            tls: protection.as_deref(),
            id: session,
            recipient: Some(&self.account.deliver_to.to_string()),
            priority: None,
            at: self.now_ms() / 1000,
        })
    }

    fn submission(
        &self,
        remote: &Remote,
        screened: Screened,
        collected: Collected,
        reverse_path: String,
        session: String,
    ) -> Submission {
        let quarantine = self.quarantine(screened.found.as_ref());
        Submission {
            reverse_path,
            recipients: vec![Recipient {
                address: self.account.deliver_to.to_string(),
                ..Recipient::default()
            }],
            prefix: screened.prefix,
            content: Some(screened.content),
            origin: Some(Origin {
                component: Component::Collector.into(),
                peer_address: remote.peer().to_string(),
                helo: self.account.server.clone(),
                login: self.account.login.user.clone(),
                listener: self.account.name.to_string(),
                tls: remote.tls().is_some(),
                session,
                ..Origin::default()
            }),
            // It may have 8-bit octets, whatever was declared on its way.
            eight_bit: true,
            collected: Some(collected),
            policy_revision: self.policy.current().map_or(0, |policy| policy.revision),
            quarantine,
            ..Submission::default()
        }
    }

    /// The quarantine of the message: reasons, and seconds at most.
    fn quarantine(&self, found: Option<&Blocked>) -> Option<QuarantineTerms> {
        let (Some(blocked), Some(snapshot)) = (found, self.policy.current()) else {
            return None;
        };
        let verdict = match blocked {
            Blocked::Attachment { .. } => "blocked-attachment",
            Blocked::Unclear(_) => "unclear-attachments",
        };
        let account = &self.account.name;
        tracing::debug!(account = %account, verdict, "quarantined");
        Some(QuarantineTerms {
            reason: format!("{verdict}: {blocked}; collected from \"{account}\""),
            seconds: snapshot.policy.quarantine().keep_seconds(),
        })
    }
}

/// Adds a piece, unless the message is already known to be unacceptable.
async fn push(intake: &mut Result<Intake, String>, piece: &[u8]) -> Result<(), PollError> {
    let Ok(taking) = intake else { return Ok(()) };
    if let Err(reason) = settle(taking.push(piece).await)? {
        *intake = Err(reason);
    }
    Ok(())
}

/// Separates errors of the message from those of the queue.
fn settle<T>(result: Result<T, IntakeError>) -> Result<Result<T, String>, PollError> {
    match result {
        Ok(done) => Ok(Ok(done)),
        Err(IntakeError::Scan(error)) => Ok(Err(error.to_string())),
        Err(IntakeError::Blocked(blocked)) => Ok(Err(blocked.to_string())),
        Err(error @ IntakeError::Nul) => Ok(Err(error.to_string())),
        Err(IntakeError::Upload(status)) => Err(status.into()),
    }
}

/// The reverse-path in the Return-Path field of the provider's delivery (RFC 5321 §4.4). Without the field,
/// the null reverse-path: no notice can be sent.
fn reverse_path(header: &[u8]) -> String {
    fields(header)
        .find(|field| field.is("Return-Path"))
        .and_then(|field| std::str::from_utf8(field.value).ok())
        .and_then(|value| {
            let value = value.trim();
            ReversePath::parse(value).ok().filter(|path| {
                !path
                    .address()
                    .is_some_and(|address| address.needs_smtputf8())
            })
        })
        .and_then(|path| path.address().map(ToString::to_string))
        .unwrap_or_default()
}

/// The id of the message in its Received field and in the history.
fn session_id() -> String {
    format!("{:016X}", rand::random::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reverse_path_is_the_providers_note_or_null() {
        for (header, path) in [
            ("Return-Path: <a@b.test>\r\n\r\n", "a@b.test"),
            ("Return-Path: <>\r\n\r\n", ""),
            ("Return-Path: nonsense @ x\r\n\r\n", ""),
            ("From: a@b.test\r\n\r\nReturn-Path: <c@d.test>\r\n", ""),
        ] {
            assert_eq!(reverse_path(header.as_bytes()), path, "{header:?}");
        }
    }
}
