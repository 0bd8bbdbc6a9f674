//! `spf`, `dkim`, `dmarc`, `arc` and `iprev` in `[receiving.…]`.

use std::collections::BTreeMap;

use crate::document::read::{Keys, Section};
use crate::values::authentication::{Action, AuthenticationResult, AuthenticationResult as R};
use crate::values::authentication_rules::{AuthenticationRules, DmarcRules, MethodRules};
use crate::values::domain::Domain;

pub(super) fn read_dmarc(rules: &mut AuthenticationRules, section: &Section<'_, '_>) {
    let words = "\"off\", \"check\", \"follow\" or a table such as { reject = \"refuse\" }";
    let Some(written) = section.word_or_section("dmarc", "`dmarc`", &DMARC_KEYS, words) else {
        return;
    };
    let table = match written {
        Ok("off") => {
            rules.dmarc = DmarcRules::default();
            return;
        }
        Ok("check") => {
            rules.dmarc = DmarcRules::checked();
            return;
        }
        Ok("follow") => {
            rules.dmarc = DmarcRules::followed();
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
    rules.dmarc = DmarcRules {
        checked: true,
        reject: read("reject"),
        quarantine: read("quarantine"),
        none: read("none"),
        permerror: read("permerror"),
        temperror: read("temperror"),
    };
}

pub(super) fn read_arc(rules: &mut AuthenticationRules, section: &Section<'_, '_>) {
    let words = "\"off\", \"check\" or a table such as { trust = [\"lists.example.test\"] }";
    match section.word_or_section("arc", "`arc`", &ARC_KEYS, words) {
        None => {}
        Some(Ok(word @ ("off" | "check"))) => rules.arc = word == "check",
        Some(Ok(other)) => {
            section.refuse("arc", format!("`arc` is \"{other}\": it can be {words}"));
        }
        Some(Err(table)) => {
            rules.arc = true;
            let trusted = table.list("trust", Domain::parse).into_iter();
            rules.arc_trusted = trusted.map(|located| located.value).collect();
        }
    }
}

/// The results of a method that a rule may name.
pub(super) struct Method {
    keys: Keys,
    results: &'static [AuthenticationResult],
}

pub(super) const SPF: Method = Method {
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

pub(super) const DKIM: Method = Method {
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

pub(super) const IPREV: Method = Method {
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

pub(super) fn read_method(
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
