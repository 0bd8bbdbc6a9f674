//! Errors in values of the configuration, with the correction.

use figment::error::{Actual, Kind};

/// A wrong key and the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// `["smtp-server", "listener", "0", "address"]`
    pub(super) path: Vec<String>,
    pub(super) text: String,
}

impl Problem {
    pub(crate) fn new(path: &[impl AsRef<str>], text: String) -> Self {
        Self {
            path: path.iter().map(|key| key.as_ref().to_owned()).collect(),
            text,
        }
    }

    /// An error of serde below `above`. `also` are keys that are valid there as well.
    pub(super) fn of(above: &[&str], error: figment::Error, also: &[&str]) -> Self {
        let mut path: Vec<String> = above.iter().map(|&key| key.to_owned()).collect();
        path.extend(error.path);
        let text = match error.kind {
            // The key is already the last element of the path.
            Kind::UnknownField(key, known) => {
                let below = path.len().saturating_sub(above.len());
                let also = if below == 1 { also } else { &[] };
                unknown(&key, &[known, also].concat(), path.len() == 1)
            }
            Kind::UnknownVariant(value, known) => {
                format!(
                    "`{value}` is not a value of it: use {}",
                    alternatives(known)
                )
            }
            Kind::MissingField(key) => {
                path.push(key.to_string());
                "is missing".to_owned()
            }
            Kind::InvalidType(found, expected) => {
                format!("{} is not {}", shown(&found), plain(&expected))
            }
            Kind::InvalidValue(found, expected) => {
                format!("{} cannot be used: {}", shown(&found), plain(&expected))
            }
            other => other.to_string(),
        };
        Self { path, text }
    }

    pub(super) fn key(&self) -> String {
        key(&self.path)
    }
}

/// A path as written in TOML: `[pop3] threads`, `[[pop3.listener]] address`, `hostname`.
pub(super) fn key(path: &[String]) -> String {
    let is_index = |key: &&String| key.bytes().all(|octet| octet.is_ascii_digit());
    let names: Vec<&str> = path
        .iter()
        .filter(|key| !is_index(key))
        .map(String::as_str)
        .collect();
    let Some((last, tables)) = names.split_last() else {
        return String::new();
    };
    let nested = path.iter().any(|key| is_index(&key));
    match (tables.is_empty(), nested) {
        (true, _) => (*last).to_owned(),
        (false, false) => format!("[{}] {last}", tables.join(".")),
        (false, true) => format!("[[{}]] {last}", tables.join(".")),
    }
}

fn unknown(key: &str, known: &[&str], at_top: bool) -> String {
    let what = if at_top {
        "no such section or key"
    } else {
        "no such key"
    };
    match nearest(key, known) {
        Some(near) => format!("{what}; did you mean {near}?"),
        None => {
            let mut known = known.to_vec();
            known.sort_unstable();
            format!("{what}; there are {}", known.join(", "))
        }
    }
}

/// The valid word that was probably meant: with other separators, or with few letters changed, missing,
/// doubled or exchanged.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = |word: &str| word.to_ascii_lowercase().replace(['-', '_', '.', ' '], "");
    let written = folded(word);
    let (distance, near) = known
        .iter()
        .map(|&candidate| (distance(&written, &folded(candidate)), candidate))
        .min()?;
    let tolerated = (written.chars().count() / 3).clamp(1, 4);
    (distance <= tolerated).then_some(near)
}

/// Optimal string alignment: the number of letters inserted, removed, replaced or exchanged.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = last[j] + usize::from(a != b);
            let mut least = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

fn alternatives(values: &[&str]) -> String {
    match values {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn shown(found: &Actual) -> String {
    match found {
        Actual::Str(text) => format!("the text `{text}`"),
        Actual::Bool(value) => format!("`{value}`"),
        Actual::Unsigned(number) => format!("`{number}`"),
        Actual::Signed(number) => format!("`{number}`"),
        Actual::Float(number) => format!("`{number}`"),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// A readable form of serde's type names.
fn plain(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" | "bool" => "true or false",
        "a string" | "string" => "a text: write it in quotes",
        "path string" => "a path: write it in quotes",
        "socket address" => "an address and a port, such as \"127.0.0.1:2025\"",
        "a sequence" | "sequence" => "a list: write it in square brackets",
        "a map" | "map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

#[cfg(test)]
mod tests;
