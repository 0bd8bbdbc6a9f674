//! Evaluation of a key for one message, with three values: before the text has been searched, a key about it
//! is undecided, and so is everything that depends on it.

use jiff::civil::Date;
use message::decode::unstructured;
use message::header::{Field, fields};

use super::candidates::Candidate;
use super::fold::fold;
use super::key::Key;
use crate::values::narrow;

/// The known facts about a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) candidate: &'a Candidate,
    pub(super) now: i64,
    /// Which of the key's needles occur in the text, by index.
    pub(super) in_text: Option<&'a [bool]>,
}

/// Whether the message matches; `None` if that depends on its text.
pub(super) fn evaluate(key: &Key, known: &Known<'_>) -> Option<bool> {
    let message = known.candidate;
    Some(match key {
        Key::All => true,
        Key::And(keys) => return every(keys, known, true),
        Key::Or(keys) => return every(keys, known, false),
        Key::Not(key) => !evaluate(key, known)?,
        Key::Uids(uids) => uids.contains(narrow(message.uid)),
        Key::Flag(bits) => message.flags & bits != 0,
        Key::Keyword(name) => message
            .keywords
            .iter()
            .any(|k| k.eq_ignore_ascii_case(name)),
        Key::Larger(octets) => message.size > *octets,
        Key::Smaller(octets) => message.size < *octets,
        Key::Received(from, before) => within(message.internal_date, *from, *before),
        Key::Younger(age) => message.internal_date >= known.now - age,
        Key::Older(age) => message.internal_date <= known.now - age,
        Key::Modseq(modseq) => message.modseq >= *modseq,
        Key::Sent(from, before) => sent_day(message).is_some_and(|day| within(day, *from, *before)),
        Key::Header(name, value) => header(message)
            .any(|field| field.is(name) && fold(&unstructured(field.value)).contains(value)),
        Key::Body(needle) => return in_text(known, needle.index),
        Key::Text(needle) => {
            if in_header(message, &needle.text) {
                return Some(true);
            }
            return in_text(known, needle.index);
        }
    })
}

/// AND, if `and` is true: all must match. OR otherwise: one must match.
fn every(keys: &[Key], known: &Known<'_>, and: bool) -> Option<bool> {
    let mut undecided = false;
    for key in keys {
        match evaluate(key, known) {
            Some(value) if value != and => return Some(!and),
            Some(_) => {}
            None => undecided = true,
        }
    }
    (!undecided).then_some(and)
}

fn in_text(known: &Known<'_>, needle: usize) -> Option<bool> {
    known
        .in_text
        .map(|found| found.get(needle).copied().unwrap_or(false))
}

fn header(message: &Candidate) -> impl Iterator<Item = Field<'_>> {
    fields(&message.prefix).chain(fields(&message.header))
}

fn in_header(message: &Candidate, needle: &str) -> bool {
    header(message).any(|field| field_contains(&field, needle))
}

/// Whether the needle occurs in the field as displayed: `Name: value`.
pub(super) fn field_contains(field: &Field<'_>, needle: &str) -> bool {
    let name = String::from_utf8_lossy(field.name);
    fold(&format!("{name}: {}", unstructured(field.value))).contains(needle)
}

/// The day in the Date field, whatever its time and zone (RFC 9051 §6.4.4).
fn sent_day(message: &Candidate) -> Option<i32> {
    let date = fields(&message.header).find(|field| field.is("Date"))?;
    let day = civil_date(&unstructured(date.value))?;
    let since = day.since(jiff::civil::date(1970, 1, 1)).ok()?;
    Some(since.get_days())
}

/// `[Mon,] 7 Feb 1994 …` (RFC 5322 §3.3), with two- and three-digit years (§4.3).
fn civil_date(text: &str) -> Option<Date> {
    let text = text.split_once(',').map_or(text, |(_, date)| date);
    let mut words = text.split([' ', '\t', '-']).filter(|word| !word.is_empty());
    let day = words.next()?.parse().ok()?;
    let name = words.next()?.get(..3)?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|month| *month == name)?;
    let year = words.next()?;
    let number: i16 = year.parse().ok()?;
    let number = match (year.len(), number) {
        (2, 0..50) => number + 2000,
        (2 | 3, _) => number + 1900,
        _ => number,
    };
    Date::new(number, i8::try_from(month + 1).ok()?, day).ok()
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

fn within<T: PartialOrd>(value: T, from: Option<T>, before: Option<T>) -> bool {
    from.is_none_or(|from| value >= from) && before.is_none_or(|before| value < before)
}
