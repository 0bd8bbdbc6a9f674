//! Limits on size, number and kind.

use std::sync::Arc;

use crate::document::settings::row::{Class, Group, Setting, Unset, Written};
use crate::document::settings::show;
use crate::values::attachments::{AttachmentAction, BlockedAttachments};
use crate::values::receiving::ReceivingRules;
use crate::values::size::{format_size, parse_size};

pub(super) const GROUP: Group = Group {
    title: "Limits on messages",
    about: &[],
    rows: &[
        Setting {
            key: "relay",
            doc: "may send to any domain",
            trusted: Unset::Is("true"),
            untrusted: Unset::Unsaid,
            class: Class::NeverUntrusted(
                "`relay = true` for untrusted sessions would make this an open relay; \
                 trust the senders by [[trust]], or open a domain by `from = \"everyone\"`",
            ),
            read: |rules, written| written.switch(&mut rules.relay),
            show: |rules| show::on(rules.relay),
        },
        Setting {
            key: "max-size",
            doc: "maximum message size",
            trusted: Unset::Is("\"100 MiB\""),
            untrusted: Unset::Is("\"50 MiB\""),
            class: Class::Both,
            read: |rules, written| {
                if let Some(size) = written.parsed(parse_size) {
                    // RFC 5321 §4.5.3.1.7: at least 64 KiB.
                    if size < 64 << 10 {
                        written.refuse("`max-size` must be at least 64 KiB");
                    }
                    rules.max_size = size;
                }
            },
            show: |rules| Some(format_size(rules.max_size)),
        },
        Setting {
            key: "max-recipients",
            doc: "maximum recipients of a message; a client may use several transactions",
            trusted: Unset::Is("1000"),
            untrusted: Unset::Is("100"),
            class: Class::Both,
            read: |rules, written| {
                if let Some(recipients) = written.number() {
                    // RFC 5321 §4.5.3.1.8: at least 100. The queue takes at most 10,000 a message.
                    if !(100..=10_000).contains(&recipients) {
                        written.refuse("`max-recipients` must lie between 100 and 10000");
                    }
                    rules.max_recipients = recipients;
                }
            },
            show: |rules| Some(rules.max_recipients.to_string()),
        },
        Setting {
            key: "max-refusals",
            doc: "refused commands before the connection is closed",
            trusted: Unset::Is("100"),
            untrusted: Unset::Is("100"),
            class: Class::Both,
            read: |rules, written| {
                if let Some(refusals) = written.number() {
                    if refusals == 0 {
                        written.refuse("`max-refusals` must be at least 1");
                    }
                    rules.max_refusals = refusals;
                }
            },
            show: |rules| Some(rules.max_refusals.to_string()),
        },
        Setting {
            key: "min-free-space",
            doc: "mail is deferred (452) while the mail volume has less, or \"off\";\n\
                  untrusted mail is deferred first",
            trusted: Unset::Is("\"512 MiB\""),
            // The space below is for our own users; the space below their limit is for delivery, expunging
            // and administration.
            untrusted: Unset::Is("\"1 GiB\""),
            class: Class::Both,
            read: |rules, written| {
                if let Some(least) = written.parsed(size_or_off) {
                    rules.min_free_space = least;
                }
            },
            show: |rules| Some(format_size(rules.min_free_space?)),
        },
        Setting {
            key: "block-attachments",
            doc: "blocked attachments: names, also in ZIP; types, also detected ones",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("[\"*.exe\", \"*.scr\", \"application/x-msdownload\"]"),
            class: Class::Both,
            read: block_attachments,
            show: |rules| show::attachments(&rules.attachments),
        },
        Setting {
            key: "blocked-attachments",
            doc: "action for them: \"refuse\" (default), \"quarantine\" or \"strip\";\n\
                  a message is refused if an attachment cannot be removed",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("\"strip\""),
            class: Class::Both,
            read: blocked_attachments,
            show: |rules| show::attachments(&rules.attachments),
        },
    ],
};

/// A size, or `off`.
fn size_or_off(text: &str) -> Result<Option<u64>, &'static str> {
    match text.trim() {
        "off" => Ok(None),
        size => parse_size(size).map(|size| Some(size).filter(|size| *size > 0)),
    }
}

fn block_attachments(rules: &mut ReceivingRules, written: &Written<'_, '_, '_>) {
    let entries = written.section.list(written.key, |text| {
        BlockedAttachments::default().take(text)?;
        Ok::<_, &str>(text.to_owned())
    });
    let mut blocked = BlockedAttachments::default();
    for entry in entries {
        // The value was validated above.
        let _ = blocked.take(&entry.value);
    }
    blocked.action = rules.attachments.action;
    rules.attachments = Arc::new(blocked);
}

fn blocked_attachments(rules: &mut ReceivingRules, written: &Written<'_, '_, '_>) {
    let action = written.parsed(|text| match text {
        "refuse" => Ok(AttachmentAction::Refuse),
        "quarantine" => Ok(AttachmentAction::Quarantine),
        "strip" => Ok(AttachmentAction::Strip),
        _ => Err("it can be \"refuse\", \"quarantine\" or \"strip\""),
    });
    let Some(action) = action else {
        return;
    };
    if !written.section.has("block-attachments") {
        written.refuse(
            "`blocked-attachments` says what becomes of those that `block-attachments` names: \
             name some",
        );
    }
    Arc::make_mut(&mut rules.attachments).action = action;
}
