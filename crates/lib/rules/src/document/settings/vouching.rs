//! Settings of sender authentication.

use crate::document::authentication::{DKIM, IPREV, SPF, read_arc, read_dmarc, read_method};
use crate::document::settings::row::{Class, Group, Setting, Unset};
use crate::document::settings::show;

pub(super) const GROUP: Group = Group {
    title: "Sender authentication",
    about: &[
        "Sender authentication: the results are added as Authentication-Results, marks also as X-Postern-Marks.",
        "\"off\", \"check\", or an action for each result: \"accept\", \"mark\", \"junk\" (marked, to the Junk",
        "mailbox), \"quarantine\" (marked, kept until you release it), \"refuse\". Without a DNS answer",
        "(temperror) a message is at most refused temporarily, and never quarantined.",
    ],
    rows: &[
        Setting {
            key: "spf",
            doc: "or { fail = \"refuse\", softfail = \"mark\" }; neutral, none,\npermerror, temperror",
            trusted: Unset::Unsaid,
            untrusted: Unset::Is("\"check\""),
            class: Class::Both,
            read: |rules, written| {
                let spf = &mut rules.authentication.spf;
                read_method(spf, written.section, "spf", &SPF);
            },
            show: |rules| show::method(&rules.authentication.spf),
        },
        Setting {
            key: "dkim",
            doc: "or { none = \"mark\", fail = \"mark\" }; policy, neutral, permerror, temperror",
            trusted: Unset::Unsaid,
            untrusted: Unset::Is("\"check\""),
            class: Class::Both,
            read: |rules, written| {
                let dkim = &mut rules.authentication.dkim;
                read_method(dkim, written.section, "dkim", &DKIM);
            },
            show: |rules| show::method(&rules.authentication.dkim),
        },
        Setting {
            key: "dmarc",
            doc: "as the author's domain requests: refuse, or to Junk (also\n\
                  for an ambiguous author); or\n\
                  { reject = \"refuse\", quarantine = \"quarantine\" }; none, permerror, temperror",
            trusted: Unset::Unsaid,
            untrusted: Unset::Is("\"follow\""),
            class: Class::Both,
            read: |rules, written| read_dmarc(&mut rules.authentication, written.section),
            show: |rules| show::dmarc(&rules.authentication.dmarc),
        },
        Setting {
            key: "arc",
            doc: "or { trust = [\"lists.example.test\"] }: sealers that excuse DMARC failures",
            trusted: Unset::Unsaid,
            untrusted: Unset::Is("\"check\""),
            class: Class::Both,
            read: |rules, written| read_arc(&mut rules.authentication, written.section),
            show: |rules| show::on(rules.authentication.arc),
        },
        Setting {
            key: "iprev",
            doc: "reverse DNS; or { fail = \"mark\", permerror = \"mark\" }; temperror",
            trusted: Unset::Unsaid,
            untrusted: Unset::Is("\"check\""),
            class: Class::Both,
            read: |rules, written| {
                let iprev = &mut rules.authentication.iprev;
                read_method(iprev, written.section, "iprev", &IPREV);
            },
            show: |rules| show::method(&rules.authentication.iprev),
        },
    ],
};
