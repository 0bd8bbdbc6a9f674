//! `[receiving.trusted]` and `[receiving.untrusted]`.

use serde::Serialize;

use crate::document::rates::{read_greylisting, read_rates};
use crate::document::read::{Keys, Section};
use crate::rate::{Greylisting, Rate};
use crate::size::parse_size;

/// The rules that a session of one class is held to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceivingRules {
    /// Whether mail may be sent on to anywhere. Never for untrusted sessions (I9).
    pub relay: bool,
    /// Largest message taken, in octets.
    pub max_size: u64,
    /// Most recipients of a message.
    pub max_recipients: u32,
    /// Whether the null reverse-path is refused. Failure notices need it.
    pub refuse_blank_reverse_path: bool,
    /// Whether senders with an address literal for a domain are refused.
    pub refuse_address_literal_senders: bool,
    /// Whether senders of our own domains are refused.
    pub refuse_spoofed_senders: bool,
    /// How much may come, of whom.
    pub rates: Vec<Rate>,
    /// Whether, and how, who was never here before is told to come again.
    pub greylisting: Option<Greylisting>,
}

pub(crate) struct Receiving {
    pub(crate) trusted: ReceivingRules,
    pub(crate) untrusted: ReceivingRules,
}

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
    ],
    planned: &[
        "block-attachments",
        "min-free-space",
        "disconnect-after",
        "sender-domain-exists",
        "dns-block-lists",
        "spf",
        "dkim",
        "dmarc",
    ],
};

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
        };
        let mut trusted = defaults.clone();
        let mut untrusted = ReceivingRules {
            relay: false,
            max_size: 50 << 20,
            max_recipients: 100,
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
            }
            if let Some(section) = tables.section("untrusted", "[receiving.untrusted]", &KEYS) {
                read_into(&mut untrusted, &section);
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
    ];
    for (key, switch) in switches {
        if let Some(value) = section.boolean(key) {
            *switch = value;
        }
    }
}
