//! Messages derived at the ends of recipients: by the plan of `rules`, in the queue's transaction that
//! records the end.

use api::MAX_DERIVATION_DEPTH;
use api::message::v1::{Content, content};
use api::queue::v1::{
    Component, DeliveryOptions, Derived, DerivedKind, LeasedMessage, LeasedRecipient, Origin,
    Recipient, Submission,
};
use rules::{Derivation, EmailAddress};

use crate::fate::{Failure, Fate};
use crate::work::Work;

/// The failure of a message that was derived too many times; otherwise a forwarding loop would never end.
pub(crate) fn too_deep(message: &LeasedMessage) -> Option<Failure> {
    (message.depth >= MAX_DERIVATION_DEPTH).then(|| {
        let reason = format!(
            "The message has been forwarded {MAX_DERIVATION_DEPTH} times: it is in a loop."
        );
        Failure::permanent("5.4.6", reason)
    })
}

/// The end of a recipient whose message continues as the messages derived by a rule.
pub(crate) fn forwarded(work: &Work, rule: &str, made: Vec<Derivation>) -> Fate {
    match too_deep(&work.message) {
        Some(failure) => Fate::Failed(failure),
        None => Fate::Forwarded {
            rule: rule.to_owned(),
            made,
        },
    }
}

/// The messages derived from a recipient's fate.
pub(crate) fn made(work: &Work, recipient: &LeasedRecipient, fate: &Fate) -> Vec<Derived> {
    let derivations = match fate {
        Fate::Forwarded { made, .. } => made.as_slice(),
        Fate::Failed(_) => &[],
        Fate::Delivered { .. } | Fate::Relayed { .. } | Fate::Discarded { .. } => {
            let also = work.also.get(&recipient.recipient_id);
            also.map_or(&[][..], Vec::as_slice)
        }
    };
    derivations
        .iter()
        .map(|derivation| derived(work, recipient, derivation))
        .collect()
}

/// The derivation's name in the history.
pub(crate) fn name(derivation: &Derivation) -> String {
    match derivation {
        Derivation::Forward(to) => format!("forwarded to {to}"),
    }
}

fn derived(work: &Work, recipient: &LeasedRecipient, derivation: &Derivation) -> Derived {
    let (kind, submission) = match derivation {
        Derivation::Forward(to) => (DerivedKind::Forward, forward(work, recipient, to)),
    };
    Derived {
        recipient_ids: vec![recipient.recipient_id],
        kind: kind.into(),
        submission: Some(submission),
    }
}

/// The same message to another address, from the same sender and with the same options.
fn forward(work: &Work, recipient: &LeasedRecipient, to: &EmailAddress) -> Submission {
    let message = &work.message;
    Submission {
        reverse_path: message.reverse_path.clone(),
        recipients: vec![readdressed(recipient, to)],
        content: Some(Content {
            text: Some(content::Text::Body(message.body_id)),
            ..Content::default()
        }),
        prefix: message.prefix.clone(),
        origin: Some(Origin {
            component: Component::Delivery.into(),
            ..Origin::default()
        }),
        eight_bit: message.eight_bit,
        smtputf8: message.smtputf8,
        binary: message.binary,
        envelope_id: message.envelope_id.clone(),
        return_content: message.return_content,
        require_tls: message.require_tls,
        policy_revision: work.policy.revision,
        junk: message.junk,
        options: message.options.as_ref().and_then(remaining_options),
        ..Submission::default()
    }
}

/// The options for the rest of the way. The hold is over.
fn remaining_options(options: &DeliveryOptions) -> Option<DeliveryOptions> {
    let asked = DeliveryOptions {
        deliver_by: options.deliver_by,
        priority: options.priority,
        ..DeliveryOptions::default()
    };
    (asked != DeliveryOptions::default()).then_some(asked)
}

/// The recipient with another address. ORCPT is set to the original address unless the sender set it (RFC
/// 3461 §5.2.1): a notice about an address that the sender never wrote would mean nothing to them.
fn readdressed(recipient: &LeasedRecipient, to: &EmailAddress) -> Recipient {
    let written = &recipient.address;
    let original_recipient = match recipient.original_recipient.as_str() {
        "" if written.is_ascii() => format!("rfc822;{}", xtext(written)),
        original => original.to_owned(),
    };
    Recipient {
        address: to.to_string(),
        original_recipient,
        notify: recipient.notify,
    }
}

/// RFC 3461 §4.
fn xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'!'..=b'~' if !matches!(octet, b'+' | b'=') => encoded.push(char::from(octet)),
            _ => encoded.push_str(&format!("+{octet:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

    use std::sync::Arc;

    use super::*;
    use crate::fixture;

    #[test]
    fn who_is_written_to_elsewhere_is_still_who_the_sender_wrote_to() {
        let to = EmailAddress::parse("admin@other.test").unwrap();
        for (address, original, expected) in [
            (
                "postmaster@example.test",
                "",
                "rfc822;postmaster@example.test",
            ),
            (
                "\"a +=\"@example.test",
                "",
                "rfc822;\"a+20+2B+3D\"@example.test",
            ),
            (
                "postmaster@example.test",
                "rfc822;all@list.test",
                "rfc822;all@list.test",
            ),
            ("möller@example.test", "", ""),
        ] {
            let recipient = LeasedRecipient {
                address: address.to_owned(),
                original_recipient: original.to_owned(),
                ..LeasedRecipient::default()
            };
            let passed_on = readdressed(&recipient, &to);
            assert_eq!(passed_on.address, "admin@other.test");
            assert_eq!(passed_on.original_recipient, expected);
        }
    }

    #[test]
    fn what_has_been_forwarded_too_often_is_returned() {
        let to = || {
            vec![Derivation::Forward(
                EmailAddress::parse("a@x.test").unwrap(),
            )]
        };
        for (depth, goes_on) in [(0, true), (MAX_DERIVATION_DEPTH, false)] {
            let work = Work {
                message: LeasedMessage {
                    depth,
                    ..LeasedMessage::default()
                },
                ..Arc::into_inner(fixture::work()).unwrap()
            };
            match forwarded(&work, "a rule", to()) {
                Fate::Forwarded { made, .. } => assert!(goes_on && made == to()),
                Fate::Failed(failure) => {
                    assert!(!goes_on && failure.permanent);
                    assert_eq!(failure.status, "5.4.6");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
