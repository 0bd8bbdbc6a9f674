//! Writes search keys in command form.

use bytes::{BufMut, BytesMut};

use super::{FLAG_KEYS, SearchKey};
use crate::Day;
use crate::wire::{Side, put_astring};

impl SearchKey {
    pub(super) fn write(&self, out: &mut BytesMut) {
        let text = |out: &mut BytesMut, word: &str, text: &str| {
            out.put_slice(word.as_bytes());
            put_astring(out, text.as_bytes(), Side::Client);
        };
        let day = |out: &mut BytesMut, word: &str, day: &Day| {
            out.put_slice(word.as_bytes());
            day.write(out);
        };
        match self {
            Self::All => out.put_slice(b"ALL"),
            Self::Recent => out.put_slice(b"RECENT"),
            Self::Saved => out.put_slice(b"$"),
            Self::Flag(flag, set) => {
                let key = FLAG_KEYS.iter().find(|key| (key.1, key.2) == (*flag, *set));
                out.put_slice(key.map_or("ALL", |key| key.0).as_bytes());
            }
            Self::Keyword(keyword, true) => text(out, "KEYWORD ", keyword.as_str()),
            Self::Keyword(keyword, false) => text(out, "UNKEYWORD ", keyword.as_str()),
            Self::Sequence(set) => out.put_slice(set.to_string().as_bytes()),
            Self::Uid(set) => out.put_slice(format!("UID {set}").as_bytes()),
            Self::Before(date) => day(out, "BEFORE ", date),
            Self::On(date) => day(out, "ON ", date),
            Self::Since(date) => day(out, "SINCE ", date),
            Self::SentBefore(date) => day(out, "SENTBEFORE ", date),
            Self::SentOn(date) => day(out, "SENTON ", date),
            Self::SentSince(date) => day(out, "SENTSINCE ", date),
            Self::Header(name, value) => {
                text(out, "HEADER ", name);
                text(out, " ", value);
            }
            Self::Body(value) => text(out, "BODY ", value),
            Self::Text(value) => text(out, "TEXT ", value),
            Self::Larger(size) => out.put_slice(format!("LARGER {size}").as_bytes()),
            Self::Smaller(size) => out.put_slice(format!("SMALLER {size}").as_bytes()),
            Self::Younger(age) => out.put_slice(format!("YOUNGER {age}").as_bytes()),
            Self::Older(age) => out.put_slice(format!("OLDER {age}").as_bytes()),
            Self::Not(key) => {
                out.put_slice(b"NOT ");
                key.write(out);
            }
            Self::Or(left, right) => {
                out.put_slice(b"OR ");
                left.write(out);
                out.put_slice(b" ");
                right.write(out);
            }
            Self::And(keys) => {
                for (index, key) in keys.iter().enumerate() {
                    out.put_slice(if index == 0 { b"(" } else { b" " });
                    key.write(out);
                }
                out.put_slice(b")");
            }
        }
    }
}
