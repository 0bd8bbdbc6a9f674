//! Settings for logged-in and trusted clients.

use std::time::Duration;

use crate::document::delivery::duration_or_never;
use crate::document::read::{Keys, Section};
use crate::document::settings::row::{Class, Group, Setting, Unset};
use crate::document::settings::show;
use crate::document::trust::sender_pattern;
use crate::values::duration::{format_duration, parse_duration};
use crate::values::receiving::SendAs;

/// RFC 4865 §3: the maximum that the EHLO response can express.
const LONGEST_HOLD: Duration = Duration::from_secs(999_999_999);
/// RFC 2852 §2: the same.
const LONGEST_DELIVER_BY: Duration = LONGEST_HOLD;

pub(super) const GROUP: Group = Group {
    title: "Rights of trusted clients",
    about: &[],
    rows: &[
        Setting {
            key: "senders-must-belong-to-login",
            doc: "a logged-in client must send under its own addresses, also in From:",
            trusted: Unset::Is("true"),
            untrusted: Unset::Unsaid,
            class: Class::Trusted(
                "`senders-must-belong-to-login` is about logins: it belongs into [receiving.trusted]",
            ),
            read: |rules, written| written.switch(&mut rules.senders_must_belong_to_login),
            show: |rules| show::on(rules.senders_must_belong_to_login),
        },
        Setting {
            key: "send-as",
            doc: "logins that may send under other addresses too",
            trusted: Unset::Off(
                "[{ login = \"office@example.test\", sender = [\"*@example.test\"] }]",
            ),
            untrusted: Unset::Unsaid,
            class: Class::Trusted("`send-as` is about logins: it belongs into [receiving.trusted]"),
            read: |rules, written| rules.send_as = read_send_as(written.section),
            show: |rules| {
                let entries = rules.send_as.len();
                (entries > 0).then(|| entries.to_string())
            },
        },
        Setting {
            key: "max-hold",
            doc: "maximum holding time (FUTURERELEASE), or \"never\"",
            trusted: Unset::Is("\"30 days\""),
            untrusted: Unset::Unsaid,
            class: Class::Trusted(
                "strangers cannot ask for their mail to be held, returned when it is late \
                 or preferred: `max-hold` belongs into [receiving.trusted]",
            ),
            read: |rules, written| {
                if let Some(hold) = written.parsed(duration_or_never) {
                    let fits = |hold| (Duration::from_secs(1)..=LONGEST_HOLD).contains(&hold);
                    if !hold.is_none_or(fits) {
                        written.refuse("`max-hold` must lie between 1 s and 31 years");
                    }
                    rules.max_hold = hold;
                }
            },
            show: |rules| Some(rules.max_hold.map_or("never".to_owned(), format_duration)),
        },
        Setting {
            key: "min-deliver-by",
            doc: "minimum delivery time (DELIVERBY)",
            trusted: Unset::Off("\"1 min\""),
            untrusted: Unset::Unsaid,
            class: Class::Trusted(
                "strangers cannot ask for their mail to be held, returned when it is late \
                 or preferred: `min-deliver-by` belongs into [receiving.trusted]",
            ),
            read: |rules, written| {
                if let Some(least) = written.parsed(parse_duration) {
                    if least > LONGEST_DELIVER_BY {
                        written.refuse("`min-deliver-by` can be at most 31 years");
                    }
                    rules.min_deliver_by = least;
                }
            },
            show: |rules| show::length(rules.min_deliver_by),
        },
        Setting {
            key: "max-priority",
            doc: "maximum priority (MT-PRIORITY); 0: senders may not raise it",
            trusted: Unset::Is("9"),
            untrusted: Unset::Unsaid,
            class: Class::Trusted(
                "strangers cannot ask for their mail to be held, returned when it is late \
                 or preferred: `max-priority` belongs into [receiving.trusted]",
            ),
            read: |rules, written| {
                if let Some(priority) = written.integer() {
                    match i8::try_from(priority) {
                        Ok(priority) if (0..=9).contains(&priority) => {
                            rules.max_priority = priority;
                        }
                        _ => written.refuse("`max-priority` must lie between 0 and 9"),
                    }
                }
            },
            show: |rules| Some(rules.max_priority.to_string()),
        },
        Setting {
            key: "lenient",
            doc: "for printers and similar devices: accepts EHLO with any name or none,\n\
                  addresses without a domain or with other text, blanks or one bracket\n\
                  around them, lines that end with LF alone",
            trusted: Unset::Off("true"),
            untrusted: Unset::Unsaid,
            class: Class::Trusted(
                "what strangers say against the grammar is refused, lest they smuggle mail: \
                 `lenient` belongs into [receiving.trusted]",
            ),
            read: |rules, written| written.switch(&mut rules.lenient),
            show: |rules| show::on(rules.lenient),
        },
    ],
};

const SEND_AS: Keys = Keys {
    known: &["login", "sender"],
    planned: &[],
};

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
