//! Settings of DNS look-ups about a peer and a sender.

use crate::document::dns::{read_lists, read_refuse_score};
use crate::document::settings::row::{Class, Group, Setting, Unset};
use crate::document::settings::show;

pub(super) const GROUP: Group = Group {
    title: "DNS look-ups about peer and sender",
    about: &[],
    rows: &[
        Setting {
            key: "sender-domain-must-exist",
            doc: "the sender's domain must have a usable MX or address; without a DNS answer the refusal is temporary",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("true"),
            class: Class::Both,
            read: |rules, written| written.switch(&mut rules.dns.sender_domain_must_exist),
            show: |rules| show::on(rules.dns.sender_domain_must_exist),
        },
        Setting {
            key: "dns-lists",
            doc: "DNS lists of addresses with their scores (default 1)",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off(
                "[{ zone = \"bl.example.test\", score = 2, \
                 answers = [\"127.0.0.2\", \"127.0.0.4/30\"] }]",
            ),
            class: Class::Both,
            read: |rules, written| read_lists(&mut rules.dns, written.section),
            show: |rules| show::lists(&rules.dns),
        },
        Setting {
            key: "dns-list-refuse-score",
            doc: "total score that is refused (default 1); allow lists have negative scores",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("2"),
            class: Class::Both,
            read: |rules, written| read_refuse_score(&mut rules.dns, written.section),
            show: |rules| show::lists(&rules.dns).map(|_| rules.dns.refuse_score.to_string()),
        },
    ],
};
