//! Some of the search keys.

use api::mailbox::v1::SearchKey;
use api::mailbox::v1::search_key::Key;

use super::mailbox::Message;

pub(super) fn holds(key: &SearchKey, uid: u32, message: &Message) -> bool {
    let nested = |key: &SearchKey| holds(key, uid, message);
    let contains = |octets: &[u8], text: &str| {
        let octets = String::from_utf8_lossy(octets).to_lowercase();
        octets.contains(&text.to_lowercase())
    };
    match key.key.as_ref().unwrap() {
        Key::All(_) => true,
        Key::And(keys) => keys.keys.iter().all(nested),
        Key::Or(keys) => keys.keys.iter().any(nested),
        Key::Not(key) => !nested(key),
        Key::Uids(set) => {
            let mut ranges = set.ranges.iter();
            ranges.any(|range| (range.first..=range.last).contains(&uid))
        }
        Key::Flag(bit) => message.flags.system & bit != 0,
        Key::Header(header) => message::header::fields(message.header())
            .any(|field| field.is(&header.name) && contains(field.value, &header.value)),
        Key::Text(text) => contains(&message.octets, text),
        Key::Larger(size) => message.octets.len() as u64 > *size,
        other => panic!("the fake does not know {other:?}"),
    }
}
