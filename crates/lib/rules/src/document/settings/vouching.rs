//! Settings of sender authentication.

use crate::document::authentication::{DKIM, IPREV, SPF, read_arc, read_dmarc, read_method};
use crate::document::settings::row::{Class, Group, Setting, Unset};
use crate::document::settings::show;

pub(super) const GROUP: Group = Group {
    title: "Who vouches for the sender",
    about: &[
        "Who vouches for the sender: results stand in Authentication-Results; what a rule marks, in",
        "X-Postern-Marks too. \"off\", \"check\", or what each result does: \"accept\", \"mark\", \"junk\" (marked, and",
        "to the Junk mailbox), \"quarantine\" (marked, and kept until you release it), \"refuse\". What the DNS",
        "does not answer (temperror) is refused for now at most, and never kept back.",
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
            doc: "refuse what the author's domain says to refuse, to Junk what\n\
                  it distrusts, and what shows no one author; or\n\
                  { reject = \"refuse\", quarantine = \"quarantine\" }; none, permerror, temperror",
            trusted: Unset::Unsaid,
            untrusted: Unset::Is("\"follow\""),
            class: Class::Both,
            read: |rules, written| read_dmarc(&mut rules.authentication, written.section),
            show: |rules| show::dmarc(&rules.authentication.dmarc),
        },
        Setting {
            key: "arc",
            doc: "or { trust = [\"lists.example.test\"] }: whose seal excuses DMARC",
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
