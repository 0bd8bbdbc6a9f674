//! DATA and BDAT: passes the message through the intake to the queue.

use api::clock::now_ms;
use api::message::v1::Content;
use api::queue::v1::{Component, Origin, ReturnContent, Submission};
use api::queue_client::EnqueueError;
use bytes::{Buf as _, Bytes};
use intake::{Intake, IntakeError, Screened, authors, unwanted};
use mail_authentication::{Findings, marks, without_forged};
use message::LineEnds;
use message::attachments::Finding;
use message::header::fields;
use message::trace::hops;
use rules::admission::content::Question;
use rules::admission::{Admission, Answer, Next};
use rules::{ListenerRole, Trust, Verdict};
use smtp_protocol::Reply;
use smtp_protocol::server::{Body, ReturnContent as Ret};
use tokio::time::Instant;

use super::authentication::Checks;
use super::binary::{self, BinaryMime, ContentError};
use super::envelope::Transaction;
use super::{Connection, quarantine};
use crate::replies;
use crate::trace_header::{Complete, HeldHeader, Hop, as_submitted};

/// Assumed size of a message without a declared one.
const USUAL_SIZE: u64 = 4096;

/// A message that is arriving.
pub(super) struct Incoming {
    intake: Intake,
    /// For a peer that may end lines with LF alone: completes the line ends. Holds the converted piece.
    ends: Option<(LineEnds, Vec<u8>)>,
    /// Present until the header section is complete, if fields are added or removed.
    held: Option<HeldHeader>,
    /// The authentication checks.
    checks: Option<Checks>,
    /// Present for a BINARYMIME message.
    binary: Option<Box<BinaryMime>>,
    hostname: String,
    /// It is a submission, not relayed mail.
    is_submission: bool,
    /// Limit of header fields.
    max_fields: usize,
}

/// A message for the queue.
struct Message {
    /// Trace fields of this server.
    prefix: Bytes,
    content: Content,
}

impl Message {
    /// Octets of prefix, header and text.
    fn size(&self) -> u64 {
        let header = self.prefix.len() + self.content.header.len();
        header as u64 + self.content.text_size
    }
}

impl Incoming {
    async fn push(&mut self, piece: &[u8]) -> Result<(), ContentError> {
        let Some((mut ends, mut complete)) = self.ends.take() else {
            return self.take(piece).await;
        };
        ends.push(piece, &mut complete);
        self.take(&complete).await?;
        self.ends = Some((ends, complete));
        Ok(())
    }

    /// Takes octets with CRLF line ends.
    async fn take(&mut self, piece: &[u8]) -> Result<(), ContentError> {
        let complete = match &mut self.held {
            None => {
                self.check_text(piece);
                return self.hand_on(piece).await;
            }
            Some(held) => held.push(piece),
        };
        if complete {
            self.release().await?;
        }
        Ok(())
    }

    /// Takes octets that the authentication checks have seen, in their converted form.
    async fn hand_on(&mut self, octets: &[u8]) -> Result<(), ContentError> {
        let text = match &mut self.binary {
            None => octets,
            Some(binary) => binary.push(octets)?,
        };
        Ok(self.intake.push(text).await?)
    }

    async fn release(&mut self) -> Result<(), ContentError> {
        if let Some(held) = self.held.take() {
            let Complete {
                missing,
                header,
                text,
            } = held.complete();
            if fields(&header).count() > self.max_fields {
                return Err(ContentError::TooManyFields);
            }
            if let Some(checks) = &mut self.checks {
                checks.header(&header);
            }
            self.check_text(&text);
            self.intake.push(missing.as_bytes()).await?;
            // From everybody: no other host adds fields under our name (RFC 8601 §5).
            let header = without_forged(&header, &self.hostname);
            if self.is_submission {
                self.hand_on(&as_submitted(&header)).await?;
            } else {
                self.hand_on(&header).await?;
            }
            self.hand_on(&text).await?;
        }
        Ok(())
    }

    fn check_text(&mut self, piece: &[u8]) {
        if let Some(checks) = &mut self.checks {
            checks.text(piece);
        }
    }

    /// Ends the content.
    async fn end(&mut self) -> Result<Option<Checks>, ContentError> {
        self.release().await?;
        if let Some(binary) = &mut self.binary {
            self.intake.push(binary.finish()?).await?;
        }
        Ok(self.checks.take())
    }
}

impl Connection {
    /// Prepares for the content of a message.
    pub(super) async fn begin(&mut self) {
        let checks = self
            .transaction
            .as_mut()
            .and_then(|transaction| transaction.checks.take());
        let (Some(transaction), Some(hello)) = (&self.transaction, self.session.hello()) else {
            self.refuse_for_now(replies::UNAVAILABLE, &"DATA without a transaction");
            return;
        };
        let at = now_ms() / 1000;
        let tls = self.io.tls();
        let hop = Hop {
            hello,
            peer: self.facts.peer,
            hostname: &self.server.hostname,
            tls: tls.as_ref(),
            authenticated: self.facts.login.is_some(),
            smtputf8: transaction.mail.smtputf8,
            id: &transaction.id,
            recipient: match transaction.recipients.as_slice() {
                [only] => Some(only.address.as_str()),
                _ => None,
            },
            priority: transaction.agreed.priority,
            at,
        };
        let trace = hop.received();
        let size = transaction.mail.size.unwrap_or(USUAL_SIZE);
        let rules = transaction
            .snapshot
            .policy
            .receiving(transaction.trust.trusted);
        let mut intake = Intake::to_queue(self.shard.queue.clone())
            .expecting(size)
            .screened(&rules.attachments);
        let hostname = &self.server.hostname;
        let ends = rules.lenient && transaction.mail.body != Body::BinaryMime;
        let held = if self.facts.role == ListenerRole::Submission {
            HeldHeader::of_submission(&transaction.id, hostname, at)
        } else {
            HeldHeader::new()
        };
        // Programs and devices also submit by port 25. A relaying server has no need of Bcc either: the
        // envelope names its recipients.
        let is_submission = self.facts.role == ListenerRole::Submission
            || self.facts.login.is_some()
            || transaction.trust.trusted;
        let hostname = hostname.clone();
        intake.put_above(&trace);
        let binary = (transaction.mail.body == Body::BinaryMime).then(|| {
            Box::new(BinaryMime::new(
                self.server.limits.text_line,
                rules.max_size,
            ))
        });
        self.incoming = Some(Box::new(Incoming {
            intake,
            ends: ends.then(<(LineEnds, Vec<u8>)>::default),
            held: Some(held),
            checks,
            binary,
            hostname,
            is_submission,
            max_fields: self.server.max_header_fields,
        }));
        self.deadlines.content_begins();
        self.session.accept(self.io.output());
    }

    /// Handles content at the front of the input.
    pub(super) async fn content(&mut self, octets: usize) {
        let octets = octets.min(self.io.input().len());
        let pushed = match &mut self.incoming {
            Some(incoming) => incoming.push(&self.io.input()[..octets]).await,
            None => Ok(()),
        };
        self.io.input().advance(octets);
        if let (Err(error), Some(transaction)) = (pushed, &self.transaction) {
            let reply = self.reply_to_failure(&transaction.trust, &error);
            self.session.refuse_message(reply);
            self.incoming = None;
        }
    }

    /// The message is complete: enqueues it. 250 means committed (I1).
    pub(super) async fn complete(&mut self) {
        let (transaction, incoming) = (self.transaction.take(), self.incoming.take());
        self.forget_transaction();
        let (Some(mut transaction), Some(incoming)) = (transaction, incoming) else {
            self.refuse_for_now(replies::UNAVAILABLE, &"no message");
            return;
        };
        match self.whole(&mut transaction, incoming).await {
            Ok(_) if transaction.agreed.is_late(now_ms()) => {
                self.note_refusal("delivery-time-expired", &[]);
                self.session.refuse(replies::TOO_LATE, self.io.output());
            }
            Ok(message) => {
                transaction.drop_repeated_recipients();
                self.enqueue(transaction, message).await;
            }
            Err(reply) => self.session.refuse(reply, self.io.output()),
        }
    }

    /// The message for the queue, now that all of it is known; or the reply of a refusal, which has been
    /// logged.
    async fn whole(
        &self,
        transaction: &mut Transaction,
        mut incoming: Box<Incoming>,
    ) -> Result<Message, Reply> {
        let ended = incoming.end().await;
        let mut checks =
            ended.map_err(|error| self.reply_to_failure(&transaction.trust, &error))?;
        let (mut findings, mut removed) = (None, Vec::new());
        let (policy, trust) = (&transaction.snapshot.policy, &transaction.trust);
        let mut admission = Admission::content(policy, &self.facts, trust);
        let verdict = loop {
            match admission.proceed() {
                Next::Ask(Question::Attachments) => {
                    let seen = incoming.intake.end_screening().await;
                    let seen = seen.map_err(|error| self.reply_to_failure(trust, &error.into()))?;
                    admission.attachments(Answer::Is(seen.found.as_ref().map(unwanted)));
                    removed = seen.removed;
                }
                Next::Ask(Question::Authentication) => {
                    if let Some(checks) = checks.take() {
                        findings = Some(self.findings(&transaction.id, checks).await);
                    }
                    let found = findings.as_ref().map(Findings::facts);
                    admission.authentication(found.unwrap_or_default());
                }
                Next::Ask(Question::Authors) => {
                    let authors = authors(incoming.intake.header());
                    admission.authors(Answer::Is(authors.collect()));
                }
                Next::End(verdict) => break verdict,
            }
        };
        if !verdict.is_accepted() {
            return Err(self.reply_to_verdict(&verdict));
        }
        let taken = admission.taken();
        if let Some(findings) = findings {
            let fields = findings.header_field(&self.server.hostname) + &marks(&taken.marks);
            incoming.intake.put_above(&fields);
        }
        let finished = incoming.intake.finish_screened().await;
        let Screened {
            prefix, content, ..
        } = finished.map_err(|error| self.reply_to_failure(trust, &error.into()))?;
        let message = Message { prefix, content };
        self.note_removed(&transaction.id, &removed);
        self.judge_header(&message)?;
        transaction.junk = taken.junk;
        transaction.quarantine = taken.quarantine;
        Ok(message)
    }

    fn judge_header(&self, message: &Message) -> Result<(), Reply> {
        let (prefix, header) = (&message.prefix, &message.content.header);
        if hops(prefix) + hops(header) > self.server.max_hops {
            self.note_refusal("mail-loop", &[]);
            return Err(replies::LOOP);
        }
        if fields(prefix).count() + fields(header).count() > self.server.max_header_fields {
            return Err(self.reply_to_too_many_fields());
        }
        Ok(())
    }

    pub(super) fn reply_to_verdict(&self, verdict: &Verdict) -> Reply {
        self.note_refusal(verdict.name, &verdict.reasons);
        replies::of_verdict(verdict)
    }

    /// Enqueues the message, and replies after the commit.
    async fn enqueue(&mut self, transaction: Box<Transaction>, message: Message) {
        let id = transaction.id.clone();
        let size = message.size();
        let recipients = transaction.recipients.len() as u64;
        let quarantine = quarantine::names(&transaction.quarantine);
        let priority = transaction.mail.requests.priority;
        let submission = self.submission(transaction, message);
        match self.shard.enqueuer.enqueue(submission).await {
            Ok(accepted) => {
                let message_id = accepted.message_id;
                // RFC 6710 §4.1.
                tracing::debug!(id, message_id, size, recipients, priority, "accepted");
                self.note_quarantine(&id, message_id, &quarantine);
                self.messages += 1;
                self.deadlines.message_taken(Instant::now());
                self.server.metrics.messages.increment(1);
                self.server.metrics.recipients.increment(recipients);
                self.server.metrics.octets.increment(size);
                self.session.accept_message(&id, self.io.output());
            }
            Err(error @ EnqueueError::Unavailable(_)) => {
                self.refuse_for_now(replies::UNAVAILABLE, &error);
            }
            Err(error @ EnqueueError::Refused(_)) => {
                tracing::warn!(id, %error, "refused by the queue");
                self.keep_refusal("refused-by-queue", &[error.to_string().into()]);
                self.session
                    .refuse(replies::REFUSED_BY_QUEUE, self.io.output());
            }
        }
    }

    fn submission(&self, transaction: Box<Transaction>, message: Message) -> Submission {
        let quarantine = quarantine::terms(
            &transaction.quarantine,
            transaction.snapshot.policy.quarantine(),
        );
        let mail = transaction.mail;
        Submission {
            reverse_path: transaction.reverse_path.to_string(),
            recipients: transaction.recipients,
            prefix: message.prefix,
            content: Some(message.content),
            origin: Some(Origin {
                component: component(self.facts.role).into(),
                peer_address: self.facts.peer.to_string(),
                helo: self.facts.helo.clone().unwrap_or_default(),
                login: self.facts.login.clone().unwrap_or_default(),
                listener: self.facts.listener.to_string(),
                tls: self.facts.tls,
                trust: transaction.trust.name.to_owned(),
                session: transaction.id,
            }),
            eight_bit: mail.body != Body::SevenBit,
            smtputf8: mail.smtputf8,
            // Converted to text.
            binary: false,
            envelope_id: mail.envelope_id.unwrap_or_default(),
            return_content: match mail.return_content {
                None => ReturnContent::Unspecified,
                Some(Ret::Full) => ReturnContent::Full,
                Some(Ret::Headers) => ReturnContent::Headers,
            }
            .into(),
            require_tls: mail.require_tls,
            hold_until_ms: transaction.agreed.hold_until_ms,
            // Set when it is submitted.
            clock_ms: 0,
            collected: None,
            policy_revision: transaction.snapshot.revision,
            junk: transaction.junk,
            quarantine,
            options: transaction.agreed.options,
        }
    }

    /// Names of attachments are personal data: they are logged for debugging only.
    fn note_removed(&self, id: &str, removed: &[Finding]) {
        if removed.is_empty() {
            return;
        }
        tracing::info!(id, attachments = removed.len(), "attachments removed");
        for attachment in removed {
            tracing::debug!(id, "{attachment}");
        }
        self.server.metrics.removed(removed.len());
    }

    fn reply_to_failure(&self, trust: &Trust, error: &ContentError) -> Reply {
        match error {
            ContentError::Intake(error) => self.reply_to_intake(trust, error),
            ContentError::Unconvertible(why) => {
                let (name, reply) = binary::refusal(*why);
                self.note_refusal(name, &[why.to_string().into()]);
                reply
            }
            ContentError::Fault(fault) => {
                self.note_refusal(fault.name(), &[]);
                fault.reply()
            }
            ContentError::TooManyFields => self.reply_to_too_many_fields(),
        }
    }

    fn reply_to_too_many_fields(&self) -> Reply {
        self.note_refusal("too-many-header-fields", &[]);
        replies::TOO_MANY_FIELDS
    }

    fn reply_to_intake(&self, trust: &Trust, error: &IntakeError) -> Reply {
        match error {
            IntakeError::Blocked(blocked) => {
                self.reply_to_verdict(&unwanted(blocked).refusal(trust))
            }
            IntakeError::Scan(_) => {
                self.note_refusal("header-too-large", &[]);
                replies::HEADER_TOO_LARGE
            }
            // The session checks for NUL itself; this is a second check.
            IntakeError::Nul => replies::NUL,
            IntakeError::Upload(status) => {
                tracing::warn!(peer = %self.facts.peer, %status, "refused for now");
                self.keep_refusal("unavailable", &[status.to_string().into()]);
                replies::UNAVAILABLE
            }
        }
    }
}

/// The component for `Origin.component`.
fn component(role: ListenerRole) -> Component {
    match role {
        ListenerRole::Mx => Component::Smtp,
        ListenerRole::Submission => Component::Submission,
    }
}
