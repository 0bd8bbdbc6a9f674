//! Search keys, on undecoded octets.

use api::mailbox::v1::search_key::Key;
use api::mailbox::v1::{SearchKey, SearchResponse};

use super::mailbox::{FakeMailbox, contains};
use super::message::Message;

/// Milliseconds in a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Examines the first message after `after`, and returns where to continue.
pub(super) fn search(mailbox: &FakeMailbox, key: &SearchKey, after: u32) -> SearchResponse {
    let mut behind = mailbox.messages.range(after.saturating_add(1)..);
    let Some((&uid, message)) = behind.next() else {
        return SearchResponse::default();
    };
    let matches = holds(key, uid, message);
    let of_modseq = matches && names_modseq(key);
    SearchResponse {
        uids: if matches { vec![uid] } else { Vec::new() },
        looked_at_to: uid,
        highest_modseq: if of_modseq { message.modseq } else { 0 },
    }
}

fn holds(key: &SearchKey, uid: u32, message: &Message) -> bool {
    let nested = |key: &SearchKey| holds(key, uid, message);
    let found = |octets: &[u8], text: &str| {
        let octets = String::from_utf8_lossy(octets).to_lowercase();
        octets.contains(&text.to_lowercase())
    };
    let received = message.internal_date_ms;
    match key.key.as_ref().unwrap() {
        Key::All(all) => *all,
        Key::And(keys) => keys.keys.iter().all(nested),
        Key::Or(keys) => keys.keys.iter().any(nested),
        Key::Not(key) => !nested(key),
        Key::Uids(set) => contains(&set.ranges, uid),
        Key::Flag(bit) => message.flags.system & bit != 0,
        Key::Keyword(name) => {
            let mut keywords = message.flags.keywords.iter();
            keywords.any(|keyword| keyword.eq_ignore_ascii_case(name))
        }
        Key::Larger(size) => message.size() > *size,
        Key::Smaller(size) => message.size() < *size,
        Key::InternalDate(range) => {
            let at = |day: i32| i64::from(day) * DAY_MS;
            range.from.is_none_or(|from| received >= at(from))
                && range.before.is_none_or(|before| received < at(before))
        }
        Key::Header(header) => message::header::fields(&message.header())
            .any(|field| field.is(&header.name) && found(field.value, &header.value)),
        Key::Body(text) => found(&message.text(), text),
        Key::Text(text) => found(&message.octets, text),
        Key::Modseq(modseq) => message.modseq >= *modseq,
        other => panic!("the fake does not know {other:?}"),
    }
}

fn names_modseq(key: &SearchKey) -> bool {
    match key.key.as_ref().unwrap() {
        Key::Modseq(_) => true,
        Key::And(keys) | Key::Or(keys) => keys.keys.iter().any(names_modseq),
        Key::Not(key) => names_modseq(key),
        _ => false,
    }
}
