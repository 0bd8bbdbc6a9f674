//! Delivery status notifications (RFC 3464). The queue makes them in the transaction that records the
//! outcomes they report.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use api::grpc::{Channel, Code, Status};
use api::message::v1::Content;
use api::queue::v1::{
    Component, DeliveryOptions, Derived, DerivedKind, LeasedRecipient, Origin, Recipient,
    ReturnContent, Submission,
};
use api::text_upload::INLINE_LIMIT;
use bytes::Bytes;
use message::Scanner;
use message::dsn::{Action, RecipientStatus, Report, Returned, report};

use crate::body;
use crate::complete::OutcomeGroup;
use crate::fate::{Failure, Fate};
use crate::leases::Ended;
use crate::retry;
use crate::work::Work;

/// Larger messages are returned without their text.
const MAX_RETURNED: u64 = 64 * 1024;
/// Recipients reported in one notice; fewer if the notice would exceed [`INLINE_LIMIT`].
const RECIPIENTS_EACH: usize = 1_000;
/// With at most this many recipients, a notice drops the returned message instead of being split.
const RECIPIENTS_TOGETHER: usize = 40;
/// Reason in the history when a notice cannot be sent.
const TOO_LARGE: &str = "the notice would be too large";
/// Pause while the message cannot be read.
const PUT_OFF_MS: i64 = 30_000;
/// How long past the message's lifetime a notice waits for an unreadable message.
const GRACE_MS: i64 = 3_600_000;

/// Writes notices.
pub(crate) struct Notices {
    pub(crate) queue: Channel,
    pub(crate) hostname: String,
}

/// A recipient with a notice.
pub(crate) struct ReportedRecipient {
    pub(crate) ended: Ended,
    pub(crate) fate: Fate,
    /// Other messages derived from this end.
    pub(crate) made: Vec<Derived>,
}

impl ReportedRecipient {
    fn recipient(&self) -> &LeasedRecipient {
        self.ended.recipient()
    }
}

impl Notices {
    /// The completions with their notices. If the message cannot be read now, the recipients are deferred
    /// instead, so that no failure goes unreported. If it can never be read, the notice goes without it.
    pub(crate) async fn tell(
        &self,
        work: &Work,
        action: Action,
        reported: Vec<ReportedRecipient>,
        now_ms: i64,
    ) -> Vec<OutcomeGroup> {
        // RFC 8689 §5: the notice may travel in plain text, so it returns little.
        let full = action == Action::Failed
            && !work.message.require_tls
            && work.message.size <= MAX_RETURNED
            && work.message.return_content() != ReturnContent::Headers;
        let original = match self.original(work, full).await {
            Ok(original) => Some(original),
            Err(status) => {
                let lost = is_lost(&status, work, now_ms);
                tracing::warn!(
                    message = work.message.message_id,
                    code = %status.code(),
                    reason = status.message(),
                    lost,
                    "a message cannot be read for its notice"
                );
                lost.then(Bytes::new)
            }
        };
        let Some(original) = original else {
            let groups = reported.into_iter().map(|one| unread(one, action, now_ms));
            return groups.collect();
        };
        let mut groups = Vec::new();
        let mut parts = in_parts(reported);
        while let Some(mut part) = parts.pop_front() {
            let with = |original: &[u8]| self.notice(work, action, &part, original, full, now_ms);
            let notice = match with(&original) {
                // The list of recipients is more important than the returned message.
                None if part.len() <= RECIPIENTS_TOGETHER => with(b""),
                notice => notice,
            };
            match notice {
                Some(notice) => groups.push(with_notice(part, notice)),
                None if part.len() > 1 => {
                    let rest = part.split_off(part.len() / 2);
                    parts.extend([part, rest]);
                }
                None => {
                    groups.extend(part.into_iter().map(|one| {
                        OutcomeGroup::without_notice(one.ended, TOO_LARGE).with(one.made)
                    }))
                }
            }
        }
        groups
    }

    async fn original(&self, work: &Work, full: bool) -> Result<Bytes, Status> {
        let mut pause = Duration::from_millis(100);
        let limit = usize::try_from(MAX_RETURNED).unwrap_or(usize::MAX);
        loop {
            let read = body::read(&self.queue, &work.message, !full, limit).await;
            match read {
                Err(status) if pause < Duration::from_secs(2) && !is_gone(&status) => {
                    tokio::time::sleep(pause).await;
                    pause *= 3;
                }
                read => return read,
            }
        }
    }

    fn notice(
        &self,
        work: &Work,
        action: Action,
        reported: &[ReportedRecipient],
        original: &[u8],
        full: bool,
        now_ms: i64,
    ) -> Option<Derived> {
        let message = &work.message;
        let settings = work.policy.policy.delivery();
        let from = settings.postmaster.as_ref().map_or_else(
            || format!("postmaster@{}", self.hostname),
            ToString::to_string,
        );
        let arrived = message.received_at_ms.div_euclid(1_000);
        let deadline = work.deadline();
        let until = deadline.filter(|deadline| deadline.or_return);
        let until = until.map_or(i64::MAX, |deadline| deadline.at_ms);
        let retry_until = lifetime_end(work).min(until);
        // A message that may have been delivered is retried beyond its lifetime.
        let retry_until = (retry_until > now_ms).then_some(retry_until.div_euclid(1_000));
        let options = message.options.as_ref();
        let at = now_ms.div_euclid(1_000);
        let statuses: Vec<RecipientStatus<'_>> = reported
            .iter()
            .map(|one| status(one, at, retry_until))
            .collect();
        let first = reported.first()?.recipient();
        let message_id = format!(
            "{}.{}.{}.notice@{}",
            message.message_id, first.recipient_id, first.epoch, self.hostname
        );
        let (header, text) = split(original);
        let bytes = report(&Report {
            action,
            message_id: &message_id,
            at,
            reporting_mta: &self.hostname,
            from: &from,
            to: &message.reverse_path,
            envelope_id: &message.envelope_id,
            arrived_at: Some(arrived),
            deliver_by: deadline.map(|deadline| deadline.at_ms.div_euclid(1_000)),
            future_release: options.map_or("", |options| &options.future_release),
            recipients: &statuses,
            // A lost message cannot be returned in full.
            returned: if full && !original.is_empty() {
                Returned::Full { header, text }
            } else {
                Returned::Headers(header)
            },
        });
        let submission = Submission {
            // RFC 5321 §6.1: a notice has the null reverse-path, so that no notice is sent about it.
            reverse_path: String::new(),
            recipients: vec![Recipient {
                address: message.reverse_path.clone(),
                ..Recipient::default()
            }],
            eight_bit: !bytes.is_ascii(),
            smtputf8: !message.reverse_path.is_ascii(),
            content: Some(content(&bytes)?),
            origin: Some(Origin {
                component: Component::Delivery.into(),
                ..Origin::default()
            }),
            policy_revision: work.policy.revision,
            options: options.and_then(as_urgent),
            ..Submission::default()
        };
        Some(Derived {
            recipient_ids: reported
                .iter()
                .map(|one| one.recipient().recipient_id)
                .collect(),
            kind: DerivedKind::Notice.into(),
            submission: Some(submission),
        })
    }
}

/// Whether the message can never be read: it is not stored, or damaged.
fn is_gone(status: &Status) -> bool {
    matches!(status.code(), Code::NotFound | Code::OutOfRange)
}

/// Whether the notice goes without waiting for the message.
fn is_lost(status: &Status, work: &Work, now_ms: i64) -> bool {
    is_gone(status) || now_ms >= lifetime_end(work).saturating_add(GRACE_MS)
}

fn lifetime_end(work: &Work) -> i64 {
    let lifetime = work.policy.policy.delivery().lifetime.as_millis();
    let lifetime = i64::try_from(lifetime).unwrap_or(i64::MAX);
    work.since_ms().saturating_add(lifetime)
}

/// A notice has the priority of its message (RFC 6710 §4.6).
fn as_urgent(options: &DeliveryOptions) -> Option<DeliveryOptions> {
    (options.priority != 0).then(|| DeliveryOptions {
        priority: options.priority,
        ..DeliveryOptions::default()
    })
}

/// Splits recipients into parts of one notice each.
fn in_parts(mut reported: Vec<ReportedRecipient>) -> VecDeque<Vec<ReportedRecipient>> {
    let mut parts = VecDeque::new();
    while reported.len() > RECIPIENTS_EACH {
        let rest = reported.split_off(RECIPIENTS_EACH);
        parts.push_back(std::mem::replace(&mut reported, rest));
    }
    parts.push_back(reported);
    parts
}

fn with_notice(part: Vec<ReportedRecipient>, notice: Derived) -> OutcomeGroup {
    let mut derived = vec![notice];
    let ended = part.into_iter().map(|one| {
        derived.extend(one.made);
        one.ended
    });
    let ended = ended.collect();
    OutcomeGroup::making(ended, derived)
}

/// The group for a recipient of an unreadable message. A success is recorded, with or without a notice; a failure waits.
fn unread(reported: ReportedRecipient, action: Action, now_ms: i64) -> OutcomeGroup {
    let mut ended = reported.ended;
    if matches!(action, Action::Delivered | Action::Relayed) {
        return OutcomeGroup::making(vec![ended], reported.made);
    }
    let completion = ended.completion_mut();
    retry::put_off(completion, now_ms.saturating_add(PUT_OFF_MS), now_ms);
    completion.delay_notified = false;
    OutcomeGroup::quiet(ended)
}

/// Header section (with its empty line) and text.
fn split(original: &[u8]) -> (&[u8], &[u8]) {
    let mut scanner = Scanner::new();
    match scanner.push(original) {
        Ok(text) => original.split_at(original.len() - text.len()),
        Err(_) => (original, b""),
    }
}

fn content(bytes: &[u8]) -> Option<Content> {
    let content = intake::content(bytes).ok()?;
    (content.text_size <= INLINE_LIMIT as u64).then_some(content)
}

fn status(reported: &ReportedRecipient, at: i64, retry_until: Option<i64>) -> RecipientStatus<'_> {
    let base = RecipientStatus {
        address: &reported.recipient().address,
        original: &reported.recipient().original_recipient,
        last_attempt: Some(at),
        ..RecipientStatus::default()
    };
    match &reported.fate {
        Fate::Failed(failure) => failed(base, failure, retry_until),
        Fate::Relayed { server, reply, .. } => RecipientStatus {
            status: "2.0.0",
            remote_mta: server,
            reply,
            ..base
        },
        Fate::Delivered { .. } | Fate::Forwarded { .. } | Fate::Discarded { .. } => {
            RecipientStatus {
                status: "2.0.0",
                ..base
            }
        }
    }
}

fn failed<'a>(
    base: RecipientStatus<'a>,
    failure: &'a Failure,
    retry_until: Option<i64>,
) -> RecipientStatus<'a> {
    RecipientStatus {
        status: &failure.status,
        explanation: &failure.reason,
        remote_mta: &failure.server,
        reply: &failure.reply,
        retry_until,
        ..base
    }
}
