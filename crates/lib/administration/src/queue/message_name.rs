//! Names of a message as people write them: the queue's number, or the id that the sender's program
//! received in "250 … accepted as 01M8PP6D2X9Q7", which is also in the Received field and in the log.
//! Surrounding text may be included.

use std::fmt;
use std::str::FromStr;

use api::grpc::Code;
use api::queue::v1::FindMessageRequest;

use crate::{Administration, Deadline, Error};

/// Upper bound of message numbers.
const NUMBERS: u64 = 1 << 48;

/// Digits of the ids of smtp-server (base 32 without I, L, O and U), and of those of the collector and
/// `postern send` (hexadecimal).
const BASE_32: usize = 13;
const HEXADECIMAL: usize = 16;

/// A parsed message name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageName {
    /// By its number in the queue.
    Number(i64),
    /// Words that may be the id, the most likely first.
    Ids(Vec<String>),
}

impl FromStr for MessageName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(number) = number(text) {
            return Ok(Self::Number(number));
        }
        let ids = ids(text);
        if !ids.is_empty() {
            return Ok(Self::Ids(ids));
        }
        let mut numbers = words(text).filter_map(number);
        match (numbers.next(), numbers.next()) {
            (Some(number), None) => Ok(Self::Number(number)),
            _ => Err(
                "this is no message: give its number, such as 1042, or the id with which it was accepted, such \
                 as 01M8PP6D2X9Q7"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for MessageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Ids(ids) => f.write_str(&ids.join(" or ")),
        }
    }
}

impl MessageName {
    /// The message's number; the queue looks up an id.
    ///
    /// # Errors
    /// If the message is neither in the queue nor in the history.
    pub async fn number(&self, administration: &Administration) -> Result<i64, Error> {
        let ids = match self {
            Self::Number(number) => return Ok(*number),
            Self::Ids(ids) => ids,
        };
        let mut client = administration.system().queue(Deadline::Search)?;
        for id in ids {
            let request = FindMessageRequest {
                actor: administration.asking(),
                session: id.clone(),
            };
            match client.find_message(request).await {
                Ok(found) => return Ok(found.into_inner().message_id),
                Err(status) if status.code() == Code::NotFound => {}
                Err(status) => return Err(Error::call("the queue", &status)),
            }
        }
        Err(Error::NotFound(format!(
            "no message {self} is in the queue, and the history remembers none: it may be older than the days \
             that [queue] history-days says (30 unless given), or was refused: see postern refusals list"
        )))
    }
}

fn number(word: &str) -> Option<i64> {
    if !word.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let number: u64 = word.parse().ok()?;
    (1..NUMBERS).contains(&number).then_some(number as i64)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// Words that may be ids: first those introduced by a reply or a Received field, then those with digits, as
/// nearly all ids have them and most words do not.
fn ids(text: &str) -> Vec<String> {
    let mut before = "";
    let mut found = Vec::new();
    for word in words(text) {
        if let Some(id) = id(word) {
            let introduced = before.eq_ignore_ascii_case("as") || before.eq_ignore_ascii_case("id");
            let digits = word.bytes().any(|octet| octet.is_ascii_digit());
            let rank = match (introduced, digits) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => 2,
            };
            found.push((rank, id));
        }
        before = word;
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|(_, id)| id).collect()
}

/// The canonical id for a word that may be one: in upper case, with similar letters replaced by digits.
fn id(word: &str) -> Option<String> {
    let upper = word.to_ascii_uppercase();
    match word.len() {
        HEXADECIMAL => word
            .bytes()
            .all(|octet| octet.is_ascii_hexdigit())
            .then_some(upper),
        BASE_32 if !upper.contains('U') => Some(upper.replace('O', "0").replace(['I', 'L'], "1")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match text.parse::<MessageName>() {
            Ok(MessageName::Number(number)) => format!("number {number}"),
            Ok(MessageName::Ids(ids)) => format!("ids {}", ids.join(" ")),
            Err(_) => "none".to_owned(),
        }
    }

    #[test]
    fn numbers_and_ids_are_found_in_what_is_pasted() {
        let rows = [
            ("1042", "number 1042"),
            (" 1042\n", "number 1042"),
            ("message 1042,", "number 1042"),
            ("01M8PP6D2X9Q7", "ids 01M8PP6D2X9Q7"),
            ("01m8pp6d2x9q7", "ids 01M8PP6D2X9Q7"),
            // Dictated over a telephone.
            ("O1M8PP6D2X9Q7", "ids 01M8PP6D2X9Q7"),
            ("lIM8PP6D2X9Q7", "ids 11M8PP6D2X9Q7"),
            (
                "250 2.0.0 Message accepted as 01M8PP6D2X9Q7",
                "ids 01M8PP6D2X9Q7",
            ),
            ("<01M8PP6D2X9Q7@mail.example.test>", "ids 01M8PP6D2X9Q7"),
            ("id=\"01M8PP6D2X9Q7\" message=1042", "ids 01M8PP6D2X9Q7"),
            (
                "Received: from host-12345abc.x.test ([203.0.113.9]) by mail.example.test with ESMTPS \
                 (TLS1.3 TLS_AES_128_GCM_SHA256) id 01m8pp6d2x9q7; Mon, 30 Nov 2026 20:00:00 +0000",
                "ids 01M8PP6D2X9Q7",
            ),
            // An id without a digit among ordinary words of the same length.
            (
                "accepted as ABCDEFGHJKMNP for interestingly",
                "ids ABCDEFGHJKMNP 1NTEREST1NG1Y",
            ),
            ("8f3a00c2d94be617", "ids 8F3A00C2D94BE617"),
            // Only digits, but no message number.
            ("1234567890123456", "ids 1234567890123456"),
            ("bob", "none"),
            ("0", "none"),
            ("-1042 and 7", "none"),
            ("", "none"),
        ];
        for (text, expected) in rows {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }
}
