//! `[receiving.trusted]` and `[receiving.untrusted]`.

use std::sync::Arc;
use std::time::Duration;

use crate::document::delivery::duration_or_never;
use crate::document::rates::{read_greylisting, read_rates};
use crate::document::read::{Keys, Section};
use crate::document::trust::sender_pattern;
use crate::values::attachments::{AttachmentAction, BlockedAttachments};
use crate::values::authentication_rules::AuthenticationRules;
use crate::values::dns::DnsRules;
use crate::values::duration::parse_duration;
use crate::values::receiving::{ReceivingRules, SendAs};
use crate::values::size::parse_size;

pub(crate) struct Receiving {
    pub(crate) trusted: ReceivingRules,
    pub(crate) untrusted: ReceivingRules,
}

/// Longest time that a greeting is held back.
const MAX_GREETING_DELAY: Duration = Duration::from_secs(30);

/// RFC 4865 §3: what the announcement can say.
const LONGEST_HOLD: Duration = Duration::from_secs(999_999_999);

/// RFC 2852 §2: likewise.
const LONGEST_DELIVER_BY: Duration = LONGEST_HOLD;

const TABLES: Keys = Keys {
    known: &["trusted", "untrusted"],
    planned: &[],
};

const KEYS: Keys = Keys {
    known: &[
        "relay",
        "max-size",
        "max-recipients",
        "refuse-blank-reverse-path",
        "refuse-address-literal-senders",
        "refuse-spoofed-senders",
        "rates",
        "greylisting",
        "senders-must-belong-to-login",
        "send-as",
        "block-attachments",
        "blocked-attachments",
        "min-free-space",
        "max-hold",
        "min-deliver-by",
        "max-priority",
        "max-refusals",
        "lenient",
        "refuse-early-talkers",
        "greeting-delay",
        "sender-domain-must-exist",
        "dns-lists",
        "dns-list-refuse-score",
        "spf",
        "dkim",
        "dmarc",
        "arc",
        "iprev",
    ],
    planned: &[],
};

const SEND_AS: Keys = Keys {
    known: &["login", "sender"],
    planned: &[],
};

/// What is asked of logins alone.
const OF_LOGINS: [&str; 2] = ["senders-must-belong-to-login", "send-as"];

/// What only senders who are trusted can ask: see [`crate::Policy::offer`].
const OF_SUBMISSION: [&str; 3] = ["max-hold", "min-deliver-by", "max-priority"];

impl Receiving {
    pub(crate) fn read(top: &Section<'_, '_>) -> Self {
        let defaults = ReceivingRules {
            relay: true,
            max_size: 100 << 20,
            max_recipients: 1000,
            refuse_blank_reverse_path: false,
            refuse_address_literal_senders: false,
            refuse_spoofed_senders: false,
            rates: Vec::new(),
            greylisting: None,
            senders_must_belong_to_login: true,
            send_as: Vec::new(),
            attachments: Arc::default(),
            min_free_space: Some(512 << 20),
            max_hold: Some(Duration::from_secs(30 * 86_400)),
            min_deliver_by: Duration::ZERO,
            max_priority: 9,
            max_refusals: 100,
            lenient: false,
            refuse_early_talkers: false,
            greeting_delay: Duration::ZERO,
            dns: DnsRules::default(),
            authentication: AuthenticationRules::default(),
        };
        let mut trusted = defaults.clone();
        let mut untrusted = ReceivingRules {
            relay: false,
            max_size: 50 << 20,
            // What is left below is for our own users, and what is left below that for delivery,
            // expunging and administration.
            min_free_space: Some(1 << 30),
            max_recipients: 100,
            max_hold: None,
            max_priority: 0,
            authentication: AuthenticationRules::for_strangers(),
            ..defaults
        };
        if let Some(tables) = top.section("receiving", "[receiving]", &TABLES) {
            if let Some(section) = tables.section("trusted", "[receiving.trusted]", &KEYS) {
                read_into(&mut trusted, &section);
                if trusted.refuse_spoofed_senders {
                    section.refuse(
                        "refuse-spoofed-senders",
                        "trusted sessions are where our own domains send from: \
                         this belongs into [receiving.untrusted]",
                    );
                }
                if trusted.greylisting.is_some() {
                    section.refuse(
                        "greylisting",
                        "whoever is trusted need not come twice, and people's programs do not: \
                         this belongs into [receiving.untrusted]",
                    );
                }
                if section.has("greeting-delay") {
                    section.refuse(
                        "greeting-delay",
                        "whoever is trusted is not made to wait: \
                         this belongs into [receiving.untrusted]",
                    );
                }
            }
            if let Some(section) = tables.section("untrusted", "[receiving.untrusted]", &KEYS) {
                read_into(&mut untrusted, &section);
                for key in OF_LOGINS.into_iter().filter(|key| section.has(key)) {
                    section.refuse(
                        key,
                        format!("`{key}` is about logins: it belongs into [receiving.trusted]"),
                    );
                }
                for key in OF_SUBMISSION.into_iter().filter(|key| section.has(key)) {
                    section.refuse(
                        key,
                        format!(
                            "strangers cannot ask for their mail to be held, returned when it is late \
                             or preferred: `{key}` belongs into [receiving.trusted]"
                        ),
                    );
                }
                if section.has("lenient") {
                    section.refuse(
                        "lenient",
                        "what strangers say against the grammar is refused, lest they smuggle mail: \
                         `lenient` belongs into [receiving.trusted]",
                    );
                }
                if untrusted.relay {
                    section.refuse(
                        "relay",
                        "`relay = true` for untrusted sessions would make this an open relay; \
                         trust the senders by [[trust]], or open a domain by `from = \"everyone\"`",
                    );
                }
            }
        }
        Self { trusted, untrusted }
    }
}

fn read_into(rules: &mut ReceivingRules, section: &Section<'_, '_>) {
    if let Some(relay) = section.boolean("relay") {
        rules.relay = relay;
    }
    if let Some(size) = section.parsed("max-size", parse_size) {
        // RFC 5321 §4.5.3.1.7: at least 64 KiB.
        if size < 64 << 10 {
            section.refuse("max-size", "`max-size` must be at least 64 KiB");
        }
        rules.max_size = size;
    }
    if let Some(recipients) = section.number("max-recipients") {
        // RFC 5321 §4.5.3.1.8: at least 100. The queue takes at most 10,000 a message.
        if !(100..=10_000).contains(&recipients) {
            section.refuse(
                "max-recipients",
                "`max-recipients` must lie between 100 and 10000",
            );
        }
        rules.max_recipients = recipients;
    }
    if section.has("rates") {
        rules.rates = read_rates(section);
    }
    if section.has("greylisting") {
        rules.greylisting = read_greylisting(section);
    }
    let switches = [
        (
            "refuse-blank-reverse-path",
            &mut rules.refuse_blank_reverse_path,
        ),
        (
            "refuse-address-literal-senders",
            &mut rules.refuse_address_literal_senders,
        ),
        ("refuse-spoofed-senders", &mut rules.refuse_spoofed_senders),
        (
            "senders-must-belong-to-login",
            &mut rules.senders_must_belong_to_login,
        ),
        ("lenient", &mut rules.lenient),
        ("refuse-early-talkers", &mut rules.refuse_early_talkers),
    ];
    for (key, switch) in switches {
        if let Some(value) = section.boolean(key) {
            *switch = value;
        }
    }
    if section.has("send-as") {
        rules.send_as = read_send_as(section);
    }
    rules.dns.read(section);
    rules.authentication.read(section);
    read_attachments(rules, section);
    read_timing(rules, section);
    if let Some(least) = section.parsed("min-free-space", size_or_off) {
        rules.min_free_space = least;
    }
    if let Some(refusals) = section.number("max-refusals") {
        if refusals == 0 {
            section.refuse("max-refusals", "`max-refusals` must be at least 1");
        }
        rules.max_refusals = refusals;
    }
    if let Some(delay) = section.parsed("greeting-delay", parse_duration) {
        // RFC 5321 §4.5.3.2.1: clients wait for 5 minutes; those of people do not.
        if delay > MAX_GREETING_DELAY {
            section.refuse("greeting-delay", "`greeting-delay` can be at most 30 s");
        }
        rules.greeting_delay = delay;
    }
}

/// A size, or that there is no limit.
fn size_or_off(text: &str) -> Result<Option<u64>, &'static str> {
    match text.trim() {
        "off" => Ok(None),
        size => parse_size(size).map(|size| Some(size).filter(|size| *size > 0)),
    }
}

fn read_timing(rules: &mut ReceivingRules, section: &Section<'_, '_>) {
    if let Some(hold) = section.parsed("max-hold", duration_or_never) {
        let seconds = |hold: Duration| hold >= Duration::from_secs(1) && hold <= LONGEST_HOLD;
        if !hold.is_none_or(seconds) {
            section.refuse("max-hold", "`max-hold` must lie between 1 s and 31 years");
        }
        rules.max_hold = hold;
    }
    if let Some(least) = section.parsed("min-deliver-by", parse_duration) {
        if least > LONGEST_DELIVER_BY {
            section.refuse("min-deliver-by", "`min-deliver-by` can be at most 31 years");
        }
        rules.min_deliver_by = least;
    }
    if let Some(priority) = section.integer("max-priority") {
        match i8::try_from(priority) {
            Ok(priority) if (0..=9).contains(&priority) => rules.max_priority = priority,
            _ => section.refuse("max-priority", "`max-priority` must lie between 0 and 9"),
        }
    }
}

fn read_send_as(section: &Section<'_, '_>) -> Vec<SendAs> {
    let entries = section.sections("send-as", "`send-as`", &SEND_AS);
    let read = |entry: &Section<'_, '_>| {
        entry.missing("login", "\"office@example.test\"");
        entry.missing("sender", "\"*@example.test\"");
        let logins = entry.list("login", sender_pattern).into_iter();
        let senders = entry.list("sender", sender_pattern).into_iter();
        SendAs {
            logins: logins.map(|login| login.value).collect(),
            senders: senders.map(|sender| sender.value).collect(),
        }
    };
    entries.iter().map(read).collect()
}

fn read_attachments(rules: &mut ReceivingRules, section: &Section<'_, '_>) {
    let mut blocked = BlockedAttachments::default();
    let entries = section.list("block-attachments", |text| {
        BlockedAttachments::default().take(text)?;
        Ok::<_, &str>(text.to_owned())
    });
    for entry in entries {
        // It has been tried above.
        let _ = blocked.take(&entry.value);
    }
    if let Some(action) = section.parsed("blocked-attachments", |text| match text {
        "refuse" => Ok(AttachmentAction::Refuse),
        "quarantine" => Ok(AttachmentAction::Quarantine),
        "strip" => Ok(AttachmentAction::Strip),
        _ => Err("it can be \"refuse\", \"quarantine\" or \"strip\""),
    }) {
        if !section.has("block-attachments") {
            section.refuse(
                "blocked-attachments",
                "`blocked-attachments` says what becomes of those that `block-attachments` names: \
                 name some",
            );
        }
        blocked.action = action;
    }
    rules.attachments = Arc::new(blocked);
}
