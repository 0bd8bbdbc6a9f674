//! `spf`, `dkim`, `dmarc`, `arc` and `iprev` in `[receiving.…]`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::authentication::{Action, AuthenticationResult};
use crate::document::read::{Keys, Section};
use crate::domain::Domain;

/// What is checked of who vouches for a sender, and what the results do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuthenticationRules {
    /// SPF (RFC 7208).
    pub spf: MethodRules,
    /// DKIM (RFC 6376).
    pub dkim: MethodRules,
    /// DMARC (RFC 7489). Needs the results of SPF and DKIM, which are then looked up too.
    pub dmarc: DmarcRules,
    /// Whether chains of ARC (RFC 8617) are verified.
    pub arc: bool,
    /// Who is believed that a message was authentic before it was changed: nothing is held against
    /// a message for DMARC that one of them sealed last.
    pub arc_trusted: Vec<Domain>,
    /// Whether the peer's address has a name that has that address (RFC 8601 §3).
    pub iprev: MethodRules,
}

/// What the results of one check do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MethodRules {
    /// Whether the check is made.
    pub checked: bool,
    /// By result; what is not here is accepted.
    pub actions: BTreeMap<AuthenticationResult, Action>,
}

/// What DMARC does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DmarcRules {
    /// Whether it is checked.
    pub checked: bool,
    /// A failure whose domain asks to refuse.
    pub reject: Action,
    /// A failure whose domain asks to be suspicious.
    pub quarantine: Action,
    /// A failure whose domain asks for nothing.
    pub none: Action,
    /// A record that is wrong, or a message with no author or authors of several domains.
    pub permerror: Action,
    /// No answer of the DNS.
    pub temperror: Action,
}

impl MethodRules {
    /// What a result does.
    pub fn action(&self, result: AuthenticationResult) -> Action {
        self.actions.get(&result).copied().unwrap_or_default()
    }
}

impl AuthenticationRules {
    /// For strangers, where the policy says nothing else: everything is checked and told, and what
    /// the domain of the author asks for is done.
    pub(super) fn for_strangers() -> Self {
        let checked = || MethodRules {
            checked: true,
            actions: BTreeMap::new(),
        };
        Self {
            spf: checked(),
            dkim: checked(),
            dmarc: followed(),
            arc: true,
            arc_trusted: Vec::new(),
            iprev: checked(),
        }
    }

    /// Whether SPF is looked up, for itself or for DMARC.
    pub fn needs_spf(&self) -> bool {
        self.spf.checked || self.dmarc.checked
    }

    /// Whether signatures are verified, for themselves or for DMARC.
    pub fn needs_dkim(&self) -> bool {
        self.dkim.checked || self.dmarc.checked
    }

    /// Whether the message itself is looked at.
    pub fn needs_message(&self) -> bool {
        self.needs_dkim() || self.arc
    }

    /// Whether anything is checked.
    pub fn needs_anything(&self) -> bool {
        self.needs_spf() || self.needs_message() || self.iprev.checked
    }

    pub(super) fn read(&mut self, section: &Section<'_, '_>) {
        read_method(&mut self.spf, section, "spf", &SPF);
        read_method(&mut self.dkim, section, "dkim", &DKIM);
        read_method(&mut self.iprev, section, "iprev", &IPREV);
        self.read_dmarc(section);
        self.read_arc(section);
    }

    fn read_dmarc(&mut self, section: &Section<'_, '_>) {
        let words = "\"off\", \"check\", \"follow\" or a table such as { reject = \"refuse\" }";
        let Some(written) = section.word_or_section("dmarc", "`dmarc`", &DMARC_KEYS, words) else {
            return;
        };
        let table = match written {
            Ok("off") => {
                self.dmarc = DmarcRules::default();
                return;
            }
            Ok("check") => {
                self.dmarc = checked_dmarc();
                return;
            }
            Ok("follow") => {
                self.dmarc = followed();
                return;
            }
            Ok(other) => {
                section.refuse(
                    "dmarc",
                    format!("`dmarc` is \"{other}\": it can be {words}"),
                );
                return;
            }
            Err(table) => table,
        };
        let read = |key| read_action(&table, key).unwrap_or_default();
        self.dmarc = DmarcRules {
            checked: true,
            reject: read("reject"),
            quarantine: read("quarantine"),
            none: read("none"),
            permerror: read("permerror"),
            temperror: read("temperror"),
        };
    }

    fn read_arc(&mut self, section: &Section<'_, '_>) {
        let words = "\"off\", \"check\" or a table such as { trust = [\"lists.example.test\"] }";
        match section.word_or_section("arc", "`arc`", &ARC_KEYS, words) {
            None => {}
            Some(Ok(word @ ("off" | "check"))) => self.arc = word == "check",
            Some(Ok(other)) => {
                section.refuse("arc", format!("`arc` is \"{other}\": it can be {words}"));
            }
            Some(Err(table)) => {
                self.arc = true;
                let trusted = table.list("trust", Domain::parse).into_iter();
                self.arc_trusted = trusted.map(|located| located.value).collect();
            }
        }
    }
}

fn followed() -> DmarcRules {
    DmarcRules {
        reject: Action::Refuse,
        quarantine: Action::Junk,
        ..checked_dmarc()
    }
}

fn checked_dmarc() -> DmarcRules {
    DmarcRules {
        checked: true,
        ..DmarcRules::default()
    }
}

/// The results of a method that a rule may name.
struct Method {
    keys: Keys,
    results: &'static [AuthenticationResult],
}

use AuthenticationResult as R;

const SPF: Method = Method {
    keys: Keys {
        known: &[
            "fail",
            "softfail",
            "neutral",
            "none",
            "permerror",
            "temperror",
        ],
        planned: &[],
    },
    results: &[
        R::Fail,
        R::SoftFail,
        R::Neutral,
        R::None,
        R::PermError,
        R::TempError,
    ],
};

const DKIM: Method = Method {
    keys: Keys {
        known: &[
            "fail",
            "policy",
            "neutral",
            "none",
            "permerror",
            "temperror",
        ],
        planned: &[],
    },
    results: &[
        R::Fail,
        R::Policy,
        R::Neutral,
        R::None,
        R::PermError,
        R::TempError,
    ],
};

const IPREV: Method = Method {
    keys: Keys {
        known: &["fail", "permerror", "temperror"],
        planned: &[],
    },
    results: &[R::Fail, R::PermError, R::TempError],
};

const DMARC_KEYS: Keys = Keys {
    known: &["reject", "quarantine", "none", "permerror", "temperror"],
    planned: &[],
};

const ARC_KEYS: Keys = Keys {
    known: &["trust"],
    planned: &[],
};

fn read_method(
    rules: &mut MethodRules,
    section: &Section<'_, '_>,
    key: &'static str,
    method: &Method,
) {
    let words = "\"off\", \"check\" or a table such as { fail = \"mark\" }";
    match section.word_or_section(key, "this table", &method.keys, words) {
        None => {}
        Some(Ok("off")) => *rules = MethodRules::default(),
        Some(Ok("check")) => {
            *rules = MethodRules {
                checked: true,
                actions: BTreeMap::new(),
            };
        }
        Some(Ok(other)) => {
            section.refuse(key, format!("`{key}` is \"{other}\": it can be {words}"));
        }
        Some(Err(table)) => {
            rules.checked = true;
            rules.actions = method
                .results
                .iter()
                .filter_map(|result| Some((*result, read_action(&table, result.as_str())?)))
                .collect();
        }
    }
}

fn read_action(table: &Section<'_, '_>, key: &str) -> Option<Action> {
    match table.text(key)? {
        "accept" => Some(Action::Accept),
        "mark" => Some(Action::Mark),
        "junk" => Some(Action::Junk),
        "quarantine" if key == R::TempError.as_str() => {
            table.refuse(
                key,
                "a DNS that is silent for a moment must not cost mail: \"refuse\" tells the \
                 sender to come again",
            );
            None
        }
        "quarantine" => Some(Action::Quarantine),
        "refuse" => Some(Action::Refuse),
        word => {
            table.refuse(
                key,
                format!(
                    "`{key}` is \"{word}\": it can be \"accept\", \"mark\", \"junk\", \
                     \"quarantine\" or \"refuse\""
                ),
            );
            None
        }
    }
}
