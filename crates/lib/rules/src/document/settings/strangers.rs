//! Settings against senders of unwanted mail.

use std::time::Duration;

use crate::document::rates::{read_greylisting, read_rates};
use crate::document::settings::row::{Class, Group, Setting, Unset};
use crate::document::settings::show;
use crate::values::duration::{format_duration, parse_duration};

/// Maximum greeting delay.
const MAX_GREETING_DELAY: Duration = Duration::from_secs(30);

pub(super) const GROUP: Group = Group {
    title: "Protection against unwanted mail",
    about: &[],
    rows: &[
        Setting {
            key: "refuse-early-talkers",
            doc: "refuse clients that send before they are answered",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("true"),
            class: Class::Both,
            read: |rules, written| written.switch(&mut rules.refuse_early_talkers),
            show: |rules| show::on(rules.refuse_early_talkers),
        },
        Setting {
            key: "greeting-delay",
            doc: "delay of the greeting, which reveals early talkers; trusted clients\n\
                  never wait",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("\"2 s\""),
            class: Class::Untrusted(
                "whoever is trusted is not made to wait: this belongs into [receiving.untrusted]",
            ),
            read: |rules, written| {
                if let Some(delay) = written.parsed(parse_duration) {
                    // RFC 5321 §4.5.3.2.1: servers wait 5 minutes for a greeting; mail programs do not.
                    if delay > MAX_GREETING_DELAY {
                        written.refuse("`greeting-delay` can be at most 30 s");
                    }
                    rules.greeting_delay = delay;
                }
            },
            show: |rules| show::length(rules.greeting_delay),
        },
        Setting {
            key: "refuse-spoofed-senders",
            doc: "senders of our own domains must log in",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("true"),
            class: Class::Untrusted(
                "trusted sessions are where our own domains send from: \
                 this belongs into [receiving.untrusted]",
            ),
            read: |rules, written| written.switch(&mut rules.refuse_spoofed_senders),
            show: |rules| show::on(rules.refuse_spoofed_senders),
        },
        Setting {
            key: "refuse-address-literal-senders",
            doc: "refuse senders such as a@[192.0.2.1]",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("true"),
            class: Class::Both,
            read: |rules, written| written.switch(&mut rules.refuse_address_literal_senders),
            show: |rules| show::on(rules.refuse_address_literal_senders),
        },
        Setting {
            key: "refuse-blank-reverse-path",
            doc: "refuse the null sender, and with it failure notices",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("true"),
            class: Class::Both,
            read: |rules, written| written.switch(&mut rules.refuse_blank_reverse_path),
            show: |rules| show::on(rules.refuse_blank_reverse_path),
        },
        Setting {
            key: "greylisting",
            doc: "an unknown client must retry later (also retry-within, remember)",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("{ delay = \"5 min\" }"),
            class: Class::Untrusted(
                "whoever is trusted need not come twice, and people's programs do not: \
                 this belongs into [receiving.untrusted]",
            ),
            read: |rules, written| rules.greylisting = read_greylisting(written.section),
            show: |rules| {
                let terms = rules.greylisting?;
                Some(format!("come again after {}", format_duration(terms.delay)))
            },
        },
        Setting {
            key: "rates",
            doc: "limits over time, any number for each class;\n\
                  count: connections, messages, recipients; per: address, network, login, sender",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off(
                "[{ count = \"connections\", per = \"address\", limit = 60, every = \"1 min\" }, \
                 { count = \"messages\", per = \"sender\", limit = 200, every = \"1 h\" }]",
            ),
            class: Class::Both,
            read: |rules, written| rules.rates = read_rates(written.section),
            show: |rules| show::rates(rules.rates.iter()),
        },
    ],
};
