//! A submission, checked against the limits of the contract. The rest of the service relies on this check; no
//! unchecked submission reaches Postgres.

use api::message::v1::{Content, content};
use api::queue::v1::{Collected, QuarantineTerms, Recipient, Submission};
use bytes::Bytes;
use message::HeaderLines;
use prost::Message as _;
use volume::summaries::Summary;
use volume::{StoredText, Text};

use crate::error::{Error, Result};
use crate::flags::MessageFlags;
use crate::options::{self, Options};
use crate::quoted::quoted;
use crate::return_path;
use crate::source::Source;

pub(crate) const MAX_RECIPIENTS: usize = 10_000;
const MAX_HEADER: usize = 128 * 1024;
const MAX_PREFIX: usize = 64 * 1024;
const MAX_SUMMARY: usize = message::MAX_SUMMARY;
/// Local part, `@` and domain, of at most 255 octets each. RFC 5321 §4.5.3.1 requires 64 octets of local part
/// and allows more.
const MAX_ADDRESS: usize = 512;
/// RFC 3461 §4.4: 100 characters; xtext at most triples the length.
const MAX_ENVELOPE_ID: usize = 300;
/// RFC 3461 §4.2: 500 characters.
const MAX_ORIGINAL_RECIPIENT: usize = 1500;
const MAX_ORIGIN: usize = 16 * 1024;
const MAX_COLLECTED: usize = 1024;
/// Octets kept of the reason for a quarantine.
const MAX_REASON: usize = 4000;

/// A submission that satisfies all limits.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) reverse_path: String,
    pub(crate) recipients: Vec<Recipient>,
    /// Header fields that stand before the body.
    pub(crate) prefix: Bytes,
    pub(crate) body: Body,
    /// An encoded `Origin`.
    pub(crate) origin: Bytes,
    pub(crate) source: Source,
    pub(crate) flags: MessageFlags,
    pub(crate) envelope_id: String,
    pub(crate) return_content: i16,
    pub(crate) hold_until: i64,
    /// `None` for ordinary mail.
    pub(crate) options: Option<Box<Options>>,
    pub(crate) collected: Option<Collected>,
    pub(crate) policy_revision: i64,
    pub(crate) quarantine: Option<Quarantine>,
}

/// The body of a message: everything but its prefix.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// A body stored with this message.
    New(NewBody),
    /// Stored already, under this id (I12).
    Stored(i64),
}

/// A body stored together with its message.
#[derive(Debug, Clone)]
pub(crate) struct NewBody {
    pub(crate) header: Bytes,
    pub(crate) text: Text,
    /// The upload with the text; its id becomes the body's.
    pub(crate) upload: Option<StoredText>,
    pub(crate) summary: Summary,
}

impl NewBody {
    /// Octets of header and text.
    pub(crate) fn size(&self) -> i64 {
        let text = match &self.text {
            Text::Inline(text) => text.len() as i64,
            Text::Uploaded(size) => i64::try_from(*size).unwrap_or(i64::MAX),
        };
        (self.header.len() as i64).saturating_add(text)
    }

    /// Approximate memory use.
    fn weight(&self) -> usize {
        let text = match &self.text {
            Text::Inline(text) => text.len(),
            Text::Uploaded(_) => 0,
        };
        self.header.len() + text + self.summary.encoded.len()
    }
}

/// Quarantine: the message is kept back until an administrator decides.
#[derive(Debug, Clone)]
pub(crate) struct Quarantine {
    pub(crate) reason: String,
    pub(crate) keep_ms: i64,
}

impl Prepared {
    /// MT-PRIORITY (RFC 6710); 0 for most messages.
    pub(crate) fn priority(&self) -> i32 {
        let options = self.options.as_ref();
        options.map_or(0, |options| options.asked.priority)
    }

    /// When its recipients are first due if it arrives at `now`.
    pub(crate) fn first_due(&self, now: i64) -> i64 {
        let options = self.options.as_ref();
        let deadline = options.and_then(|options| Some(options.asked.deliver_by?.deadline_ms));
        options::first_due(now, self.hold_until, self.priority(), deadline)
    }

    /// Approximate memory use.
    pub(crate) fn weight(&self) -> usize {
        let body = match &self.body {
            Body::New(body) => body.weight(),
            Body::Stored(_) => 0,
        };
        self.prefix.len() + body + self.recipients.len() * 100
    }
}

/// Checks a submission of a client. It must bring its own text: a stored body belongs to another message, and its
/// id is easily guessed.
pub(crate) fn prepare_submitted(submission: Option<Submission>, now: i64) -> Result<Prepared> {
    let prepared = prepare(submission, now)?;
    match prepared.body {
        Body::New(_) => Ok(prepared),
        Body::Stored(_) => Err(invalid(
            "content.body is only for messages derived with a completion",
        )),
    }
}

/// Checks a submission that arrives at `now`; INVALID_ARGUMENT names the error.
pub(crate) fn prepare(submission: Option<Submission>, now: i64) -> Result<Prepared> {
    let mut submission = submission.ok_or_else(|| invalid("submission is missing"))?;
    options::count_by_our_clock(&mut submission, now);
    let flags = MessageFlags::of(&submission);
    let mut content = submission
        .content
        .ok_or_else(|| invalid("content is missing"))?;
    return_path::take_out(&mut content);
    if !submission.reverse_path.is_empty() {
        check_address("reverse_path", &submission.reverse_path)?;
    }
    check_recipients(&submission.recipients)?;
    check_text("envelope_id", &submission.envelope_id, MAX_ENVELOPE_ID)?;
    let mut options = submission.options;
    if submission.quarantine.is_some()
        && let Some(options) = &mut options
    {
        // The time of release is unknown, and a message that an administrator releases is to be delivered,
        // not returned.
        options.deliver_by = None;
    }
    let options = options::check(options)?;
    if submission.hold_until_ms < 0 {
        return Err(invalid("hold_until_ms is negative"));
    }
    check_collected(submission.collected.as_ref())?;
    let source = submission.origin.unwrap_or_default();
    let origin = source.encode_to_vec();
    check_size("origin", origin.len(), MAX_ORIGIN)?;
    check_prefix(&submission.prefix)?;
    let body = check_content(content)?;
    Ok(Prepared {
        flags,
        reverse_path: submission.reverse_path,
        recipients: submission.recipients,
        prefix: submission.prefix,
        body,
        origin: origin.into(),
        source: Source::of(source),
        envelope_id: submission.envelope_id,
        return_content: i16::try_from(submission.return_content)
            .map_err(|_| invalid("return_content is unknown"))?,
        hold_until: submission.hold_until_ms,
        options,
        collected: submission.collected,
        policy_revision: i64::try_from(submission.policy_revision)
            .map_err(|_| invalid("policy_revision is out of range"))?,
        quarantine: submission.quarantine.map(check_quarantine).transpose()?,
    })
}

fn check_quarantine(terms: QuarantineTerms) -> Result<Quarantine> {
    if terms.reason.is_empty() || terms.seconds == 0 {
        return Err(invalid("quarantine needs a reason and a time"));
    }
    Ok(Quarantine {
        // The reason quotes text of strangers. Bad text is no reason to refuse the message.
        reason: quoted(terms.reason, MAX_REASON),
        keep_ms: i64::from(terms.seconds) * 1000,
    })
}

/// Checks that the prefix consists of whole lines of header fields: the body then begins on a new line and
/// stays within the header section.
fn check_prefix(prefix: &[u8]) -> Result<()> {
    check_size("prefix", prefix.len(), MAX_PREFIX)?;
    let mut lines = HeaderLines::new();
    let has_text = lines.push(prefix).is_some();
    if has_text || !(prefix.is_empty() || prefix.ends_with(b"\r\n")) {
        return Err(invalid("prefix is not made of whole header fields"));
    }
    Ok(())
}

fn check_content(content: Content) -> Result<Body> {
    if let Some(content::Text::Body(id)) = content.text {
        if !content.header.is_empty() || content.summary.is_some() || content.text_size != 0 {
            return Err(invalid(
                "content.body names a stored body: leave out header, text_size and summary",
            ));
        }
        return Ok(Body::Stored(id));
    }
    if content.header.is_empty() && content.text_size > 0 {
        return Err(invalid("content.header is empty"));
    }
    check_size("content.header", content.header.len(), MAX_HEADER)?;
    let summary = content
        .summary
        .ok_or_else(|| invalid("content.summary is missing"))?;
    let summary = Summary::new(summary.scanner_version, summary.encode_to_vec());
    check_size("content.summary", summary.encoded.len(), MAX_SUMMARY)?;
    let (text, upload) = match content.text {
        Some(content::Text::Stored(name)) => {
            let size = content.text_size;
            let text =
                StoredText::named(&name, size).map_err(|error| invalid(error.to_string()))?;
            (Text::Uploaded(size), Some(text))
        }
        inline => {
            let text = match inline {
                Some(content::Text::Inline(text)) => text,
                _ => Bytes::new(),
            };
            check_size("content.inline", text.len(), volume::INLINE_LIMIT)?;
            if text.len() as u64 != content.text_size {
                return Err(invalid(format!(
                    "content.inline has {} octets, but text_size says {}",
                    text.len(),
                    content.text_size
                )));
            }
            (Text::Inline(text), None)
        }
    };
    Ok(Body::New(NewBody {
        header: content.header,
        text,
        upload,
        summary,
    }))
}

fn check_recipients(recipients: &[Recipient]) -> Result<()> {
    if recipients.is_empty() {
        return Err(invalid("there is no recipient"));
    }
    if recipients.len() > MAX_RECIPIENTS {
        return Err(invalid(format!(
            "there are {} recipients; at most {MAX_RECIPIENTS} are allowed",
            recipients.len()
        )));
    }
    for recipient in recipients {
        check_address("recipient", &recipient.address)?;
        check_text(
            "original_recipient",
            &recipient.original_recipient,
            MAX_ORIGINAL_RECIPIENT,
        )?;
    }
    Ok(())
}

fn check_address(what: &str, address: &str) -> Result<()> {
    check_text(what, address, MAX_ADDRESS)?;
    match address.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {
            // An address literal keeps the case of its RFC: `[IPv6:…]`.
            let literal = domain.starts_with('[');
            if !literal && domain.bytes().any(|octet| octet.is_ascii_uppercase()) {
                return Err(invalid(format!("{what}: the domain is not in lower case")));
            }
            Ok(())
        }
        _ => Err(invalid(format!("{what} is not mailbox@domain"))),
    }
}

fn check_collected(collected: Option<&Collected>) -> Result<()> {
    let Some(collected) = collected else {
        return Ok(());
    };
    check_text("collected.account", &collected.account, MAX_COLLECTED)?;
    check_text("collected.remote_id", &collected.remote_id, MAX_COLLECTED)?;
    if collected.account.is_empty() || collected.remote_id.is_empty() {
        return Err(invalid("collected needs an account and a remote_id"));
    }
    check_size("collected.content_hash", collected.content_hash.len(), 64)
}

fn check_text(what: &str, text: &str, limit: usize) -> Result<()> {
    check_size(what, text.len(), limit)?;
    if text.bytes().any(|octet| octet < b' ' || octet == 0x7f) {
        return Err(invalid(format!("{what} has control characters")));
    }
    Ok(())
}

fn check_size(what: &str, size: usize, limit: usize) -> Result<()> {
    if size > limit {
        return Err(invalid(format!(
            "{what} has {size} octets; at most {limit} are allowed"
        )));
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid(message)
}
