//! Settings of DNS look-ups about a peer and a sender.

use crate::document::dns::{read_lists, read_refuse_score};
use crate::document::settings::row::{Class, Group, Setting, Unset};
use crate::document::settings::show;

pub(super) const GROUP: Group = Group {
    title: "What the DNS says of a peer and a sender",
    about: &[],
    rows: &[
        Setting {
            key: "sender-domain-must-exist",
            doc: "the sender's domain has an MX or address that leads somewhere; if the DNS is silent: later",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("true"),
            class: Class::Both,
            read: |rules, written| written.switch(&mut rules.dns.sender_domain_must_exist),
            show: |rules| show::on(rules.dns.sender_domain_must_exist),
        },
        Setting {
            key: "dns-lists",
            doc: "lists of addresses, and what it counts to be on one (1 unless set)",
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
            doc: "refused from this sum on (1 unless set); lists of good ones have scores below zero",
            trusted: Unset::Unsaid,
            untrusted: Unset::Off("2"),
            class: Class::Both,
            read: |rules, written| read_refuse_score(&mut rules.dns, written.section),
            show: |rules| show::lists(&rules.dns).map(|_| rules.dns.refuse_score.to_string()),
        },
    ],
};
