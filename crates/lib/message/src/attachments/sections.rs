//! Sections of a parameter (RFC 2231 §3, §4.1), joined in every way that a client might use.

use super::parameters::{Parameters, Written};
use crate::decode;

/// Maximum number of ways to join the sections of one parameter.
const MAX_WAYS: usize = 24;
/// If there are several ways, maximum length of the result.
const MAX_OCTETS: usize = 4 * 1024;

/// `name*0`, `name*1*`, … in the written order.
pub(super) struct Sections<'a>(Vec<Section<'a>>);

struct Section<'a> {
    number: u64,
    is_extended: bool,
    /// The readings of its value.
    values: Vec<&'a [u8]>,
}

/// Sections with one reading of each, in the order of joining.
pub(super) struct Joined<'a>(Vec<(bool, &'a [u8])>);

impl<'a> Sections<'a> {
    /// The sections of the parameter `wanted`; `loose` if it names a file.
    pub(super) fn of(parameters: &'a Parameters, wanted: &str, loose: bool) -> Self {
        let section = |one: &'a Written| {
            let rest = one.name.strip_prefix(wanted)?.strip_prefix('*')?;
            let digits = rest.strip_suffix('*');
            let more = if loose { &one.loose[..] } else { &[] };
            let mut values: Vec<&[u8]> = Vec::new();
            for value in one.values.iter().chain(more) {
                if !values.contains(&value.as_slice()) {
                    values.push(value);
                }
            }
            Some(Section {
                number: digits.unwrap_or(rest).parse().ok()?,
                is_extended: digits.is_some(),
                values,
            })
        };
        Self(parameters.all.iter().filter_map(section).collect())
    }

    /// The ways to join them: by number, with or without stopping at the first gap; or as written. `None`
    /// if there are too many.
    pub(super) fn joined(&self) -> Option<Vec<Joined<'a>>> {
        let mut ways = Vec::new();
        if self.0.is_empty() {
            return Some(ways);
        }
        let written: Vec<Vec<&Section<'a>>> = self.0.iter().map(|one| vec![one]).collect();
        let sorted = self.by_number();
        let gap = sorted
            .windows(2)
            .position(|pair| pair[1][0].number - pair[0][0].number > 1);
        if let Some(gap) = gap {
            choose(&sorted[..=gap], &mut ways)?;
        }
        let numbers = |order: &[Vec<&Section<'_>>]| {
            order.iter().map(|same| same[0].number).collect::<Vec<_>>()
        };
        if numbers(&written) != numbers(&sorted) {
            choose(&written, &mut ways)?;
        }
        choose(&sorted, &mut ways)?;
        let octets: usize = self
            .0
            .iter()
            .flat_map(|one| one.values.first())
            .map(|value| value.len())
            .sum();
        (ways.len() == 1 || octets <= MAX_OCTETS).then_some(ways)
    }

    /// A number may occur several times.
    fn by_number(&self) -> Vec<Vec<&Section<'a>>> {
        let mut order: Vec<&Section<'a>> = self.0.iter().collect();
        order.sort_by_key(|section| section.number);
        order
            .chunk_by(|one, other| one.number == other.number)
            .map(<[&Section<'a>]>::to_vec)
            .collect()
    }
}

/// All combinations of the readings of the sections.
fn choose<'a>(order: &[Vec<&Section<'a>>], ways: &mut Vec<Joined<'a>>) -> Option<()> {
    let mut choices: Vec<Vec<(bool, &'a [u8])>> = Vec::new();
    for same in order {
        let mut choice = Vec::new();
        for section in same {
            choice.extend(
                section
                    .values
                    .iter()
                    .map(|value| (section.is_extended, *value)),
            );
        }
        choices.push(choice);
    }
    let mut count = 1_usize;
    for choice in &choices {
        count = count.saturating_mul(choice.len());
    }
    if ways.len().saturating_add(count) > MAX_WAYS {
        return None;
    }
    for way in 0..count {
        let mut rest = way;
        let chosen = choices.iter().map(|choice| {
            let at = rest % choice.len();
            rest /= choice.len();
            choice[at]
        });
        ways.push(Joined(chosen.collect()));
    }
    Some(())
}

impl Joined<'_> {
    pub(super) fn is_extended(&self) -> bool {
        self.0.iter().any(|(is_extended, _)| *is_extended)
    }

    /// The joined octets.
    pub(super) fn octets(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|(_, value)| *value)
            .copied()
            .collect()
    }

    /// The first extended section names the charset.
    pub(super) fn is_of_known_charset(&self) -> bool {
        let first = self.0.iter().find(|(is_extended, _)| *is_extended);
        first.is_none_or(|(_, value)| !decode::is_of_unknown_charset(value))
    }

    /// The readings by clients, the standard's first.
    pub(super) fn readings(&self) -> Vec<Vec<u8>> {
        let octets = self.octets();
        if !self.is_extended() {
            return vec![octets];
        }
        vec![
            self.by_the_standard(),
            self.each_by_itself(),
            decode::extended(&octets).into_bytes(),
            octets,
        ]
    }

    /// Sections that are not extended are taken literally.
    fn by_the_standard(&self) -> Vec<u8> {
        let mut whole = Vec::new();
        for (is_extended, value) in &self.0 {
            if *is_extended || whole.is_empty() {
                whole.extend_from_slice(value);
            } else {
                for octet in *value {
                    whole.extend_from_slice(format!("%{octet:02X}").as_bytes());
                }
            }
        }
        decode::extended(&whole).into_bytes()
    }

    fn each_by_itself(&self) -> Vec<u8> {
        let texts = self.0.iter().map(|(is_extended, value)| match is_extended {
            true => decode::extended(value).into_bytes(),
            false => value.to_vec(),
        });
        texts.collect::<Vec<_>>().concat()
    }
}
