//! `dns-lists` and `dns-list-refuse-score` in `[receiving.…]`.

use crate::document::read::{Keys, Section};
use crate::values::dns::{DnsList, DnsRules};
use crate::values::domain::Domain;
use crate::values::network::Network;

/// Maximum number of lists to query about one peer.
const MAX_LISTS: usize = 20;

const KEYS: Keys = Keys {
    known: &["zone", "score", "answers"],
    planned: &[],
};

/// `dns-lists`; the default refusal score is 1.
pub(super) fn read_lists(rules: &mut DnsRules, section: &Section<'_, '_>) {
    let lists = section.sections("dns-lists", "`dns-lists`", &KEYS);
    if lists.len() > MAX_LISTS {
        section.refuse(
            "dns-lists",
            format!("`dns-lists` has more than {MAX_LISTS} lists"),
        );
    }
    rules.lists = lists.iter().filter_map(read_list).collect();
    rules.refuse_score = 1;
}

/// `dns-list-refuse-score`.
pub(super) fn read_refuse_score(rules: &mut DnsRules, section: &Section<'_, '_>) {
    const KEY: &str = "dns-list-refuse-score";
    if !section.has("dns-lists") {
        section.refuse(KEY, "`dns-list-refuse-score` needs `dns-lists`");
        return;
    }
    rules.refuse_score = section.integer(KEY).unwrap_or(1);
    if rules.refuse_score < 1 {
        section.refuse(
            KEY,
            "`dns-list-refuse-score` must be at least 1: else whoever is on no list is refused",
        );
    }
}

fn read_list(list: &Section<'_, '_>) -> Option<DnsList> {
    list.missing("zone", "zone = \"bl.example.test\"");
    let zone = list.parsed("zone", Domain::parse);
    let score = list.integer("score").unwrap_or(1);
    let answers = list.list("answers", |text| {
        let range: Network = text.parse()?;
        if range.is_within_loopback() {
            Ok(range)
        } else {
            Err("answers lie within 127.0.0.0/8")
        }
    });
    Some(DnsList {
        zone: zone?,
        score,
        answers: answers.into_iter().map(|located| located.value).collect(),
    })
}
