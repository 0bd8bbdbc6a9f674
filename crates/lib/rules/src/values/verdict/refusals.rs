//! The closed set of refusals. People search logs for these names: do not rename them.

use crate::values::verdict::Verdict;

pub(crate) const fn refusal(
    name: &'static str,
    code: u16,
    enhanced: &'static str,
    text: &'static str,
) -> Verdict {
    Verdict {
        name,
        code,
        enhanced,
        text,
        reasons: Vec::new(),
    }
}

// Syntax errors are refused by the session that parses them, or by the rules if only they can tell, with
// the same text.

pub(crate) const MALFORMED_HELLO: Verdict = refusal(
    "malformed-hello",
    501,
    "5.5.4",
    "Domain or address literal required",
);

pub(crate) const MALFORMED_RECIPIENT: Verdict = refusal(
    "malformed-recipient",
    501,
    "5.1.3",
    "Malformed recipient address",
);

pub(crate) const MALFORMED_SENDER: Verdict =
    refusal("malformed-sender", 501, "5.1.7", "Malformed sender address");

pub(crate) const RELAY_DENIED: Verdict = refusal("relay-denied", 550, "5.7.1", "Relaying denied");
pub(crate) const ROUTED_LOCAL_PART: Verdict = refusal(
    "routed-local-part",
    550,
    "5.7.1",
    "Sender-specified routing refused",
);

pub(crate) const NO_SUCH_USER: Verdict =
    refusal("no-such-user", 550, "5.1.1", "No such mailbox here");
pub(crate) const REFUSED_BY_HANDLER: Verdict = refusal(
    "refused-by-handler",
    550,
    "5.7.1",
    "This address does not accept mail",
);

/// A configuration error must not lose mail: the sender tries again.
pub(crate) const MAILBOX_MISSING: Verdict = refusal(
    "mailbox-missing",
    451,
    "4.3.5",
    "Mailbox not available, try again later",
);

pub(crate) const NO_POSTMASTER: Verdict = refusal(
    "no-postmaster",
    550,
    "5.1.1",
    "Name a domain for the postmaster",
);

pub(crate) const TOO_LARGE: Verdict = refusal(
    "message-too-large",
    552,
    "5.3.4",
    "Message exceeds the size limit",
);

pub(crate) const TOO_MANY_RECIPIENTS: Verdict =
    refusal("too-many-recipients", 452, "4.5.3", "Too many recipients");
pub(crate) const RATE: Verdict = refusal(
    "rate-exceeded",
    450,
    "4.7.1",
    "Rate limit exceeded, try again later",
);

pub(crate) const CONNECTION_RATE: Verdict = refusal(
    "connection-rate-exceeded",
    421,
    "4.7.0",
    "Too many connections at a time, try again later",
);

pub(crate) const GREYLISTED: Verdict = refusal(
    "greylisted",
    450,
    "4.7.1",
    "Not seen before: try again in a few minutes",
);

/// The session of `smtp_protocol` gives the same answer.
pub(crate) const LOGIN_REQUIRED: Verdict =
    refusal("login-required", 530, "5.7.0", "Authentication required");
/// The same, for a parameter of an extension that is not offered.
pub(crate) const NOT_OFFERED: Verdict = refusal("not-offered", 555, "5.5.4", "Unknown parameter");
pub(crate) const HOLD_TOO_LONG: Verdict = refusal(
    "hold-too-long",
    501,
    "5.5.4",
    "The holding time exceeds the limit",
);

pub(crate) const HOLD_IN_THE_PAST: Verdict = refusal(
    "hold-in-the-past",
    501,
    "5.5.4",
    "The holding time is in the past",
);

pub(crate) const HELD_PAST_DELIVER_BY: Verdict = refusal(
    "held-past-deliver-by",
    501,
    "5.5.4",
    "The holding time exceeds the delivery time",
);

pub(crate) const DELIVER_BY_TOO_SOON: Verdict = refusal(
    "deliver-by-too-soon",
    555,
    "5.5.4",
    "The delivery time is too short",
);

pub(crate) const BLANK_REVERSE_PATH: Verdict = refusal(
    "blank-reverse-path",
    550,
    "5.7.1",
    "The null sender is not accepted here",
);

pub(crate) const LITERAL_SENDER: Verdict = refusal(
    "address-literal-sender",
    550,
    "5.1.8",
    "Senders must have a domain name",
);

/// Temporary: once the DNS answers, a trust policy may decide otherwise.
pub(crate) const TRUST_UNKNOWN: Verdict = refusal(
    "trust-unknown",
    451,
    "4.4.3",
    "Your host name cannot be looked up, try again later",
);

pub(crate) const SENDER_NOT_OF_LOGIN: Verdict = refusal(
    "sender-not-of-login",
    553,
    "5.7.1",
    "This sender address does not belong to your login",
);

pub(crate) const AUTHOR_NOT_OF_LOGIN: Verdict = refusal(
    "author-not-of-login",
    550,
    "5.7.1",
    "The From field names an address that does not belong to your login",
);

pub(crate) const EARLY_TALKER: Verdict = refusal(
    "early-talker",
    554,
    "5.7.1",
    "Protocol error: wait for the response before sending",
);

pub(crate) const INSUFFICIENT_STORAGE: Verdict = refusal(
    "insufficient-storage",
    452,
    "4.3.1",
    "No room for more mail, try again later",
);

pub(crate) const BLOCKED_ATTACHMENT: Verdict = refusal(
    "blocked-attachment",
    550,
    "5.7.1",
    "Message has an attachment that is not accepted here",
);

pub(crate) const UNCLEAR_ATTACHMENTS: Verdict = refusal(
    "unclear-attachments",
    550,
    "5.6.0",
    "The attachments of this message cannot be determined",
);

/// RFC 7505 §4.2.
pub(crate) const NULL_MX_SENDER: Verdict = refusal(
    "sender-null-mx",
    550,
    "5.7.27",
    "The sender's domain does not accept mail",
);

pub(crate) const SENDER_DOMAIN_MISSING: Verdict = refusal(
    "sender-domain-missing",
    550,
    "5.1.8",
    "The sender's domain has no mail server",
);

pub(crate) const SENDER_DOMAIN_UNUSABLE: Verdict = refusal(
    "sender-domain-unusable",
    550,
    "5.1.8",
    "The sender's domain has no reachable mail server",
);

pub(crate) const SENDER_DOMAIN_UNKNOWN: Verdict = refusal(
    "sender-domain-unknown",
    451,
    "4.4.3",
    "The sender's domain cannot be looked up now, try again later",
);

pub(crate) const DNS_LISTED: Verdict = refusal(
    "dns-listed",
    550,
    "5.7.1",
    "Your address is on a block list",
);

/// RFC 1985 §5.2.
pub(crate) const QUEUE_RUN_DENIED: Verdict = refusal(
    "queue-run-denied",
    459,
    "4.7.1",
    "ETRN is not available to this client",
);

pub(crate) const SPOOFED_SENDER: Verdict = refusal(
    "spoofed-sender",
    550,
    "5.7.1",
    "Log in to send from this domain",
);
