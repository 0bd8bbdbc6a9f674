//! TOML reader that reports all errors, each with its line number.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::values::error::{PolicyError, PolicyErrors};

/// A document's text, and its errors so far.
pub(crate) struct Reader<'i> {
    text: &'i str,
    line_starts: Vec<usize>,
    errors: RefCell<Vec<PolicyError>>,
}

/// A value and its line.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) line: usize,
}

/// The keys of a section.
pub(crate) struct Keys {
    pub(crate) known: &'static [&'static str],
    /// Planned words that the system does not implement yet. They are refused, so that nobody relies on a
    /// rule without effect.
    pub(crate) planned: &'static [&'static str],
}

/// A table of the document.
pub(crate) struct Section<'r, 'i> {
    pub(crate) reader: &'r Reader<'i>,
    table: &'r DeTable<'i>,
    label: &'static str,
    line: usize,
}

impl<'i> Reader<'i> {
    pub(crate) fn new(text: &'i str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            line_starts: std::iter::once(0).chain(ends).collect(),
            errors: RefCell::default(),
        }
    }

    /// Parses the TOML itself.
    pub(crate) fn parse(&self) -> Option<Spanned<DeTable<'i>>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(table),
            Err(error) => {
                let line = error.span().map_or(1, |span| self.line(&span));
                self.refuse(line, format!("not valid TOML: {}", error.message()));
                None
            }
        }
    }

    pub(crate) fn refuse(&self, line: usize, reason: impl Into<String>) {
        let reason = reason.into();
        self.errors.borrow_mut().push(PolicyError { line, reason });
    }

    /// The errors by line, if any.
    pub(crate) fn finish(self) -> Result<(), PolicyErrors> {
        let mut errors = self.errors.into_inner();
        errors.sort_by_key(|error| error.line);
        if errors.is_empty() {
            Ok(())
        } else {
            Err(PolicyErrors(errors))
        }
    }

    pub(crate) fn section<'r>(
        &'r self,
        table: &'r Spanned<DeTable<'i>>,
        label: &'static str,
        keys: &Keys,
    ) -> Section<'r, 'i> {
        self.open(table.get_ref(), self.line(&table.span()), label, keys)
    }

    fn open<'r>(
        &'r self,
        table: &'r DeTable<'i>,
        line: usize,
        label: &'static str,
        keys: &Keys,
    ) -> Section<'r, 'i> {
        for key in table.keys() {
            let name: &str = key.get_ref();
            let line = self.line(&key.span());
            if keys.planned.contains(&name) {
                self.refuse(line, format!("`{name}` in {label} is not supported yet"));
            } else if !keys.known.contains(&name) {
                self.refuse(line, unknown_key(name, label, keys.known));
            }
        }
        Section {
            reader: self,
            table,
            label,
            line,
        }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.line_starts
            .partition_point(|start| *start <= span.start)
    }
}

fn unknown_key(name: &str, label: &str, known: &[&str]) -> String {
    let near = known.iter().find(|known| looks_like(name, known));
    match near {
        Some(near) => format!("unknown key `{name}` in {label}; did you mean `{near}`?"),
        None => format!(
            "unknown key `{name}` in {label}; it has: {}",
            known.join(", ")
        ),
    }
}

/// Equal except for one insertion, deletion or substitution, or `_` for `-`.
fn looks_like(a: &str, b: &str) -> bool {
    let a: Vec<u8> = a.to_ascii_lowercase().replace('_', "-").into_bytes();
    let b = b.as_bytes();
    let front = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let back = a[front..]
        .iter()
        .rev()
        .zip(b[front..].iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    a.len().max(b.len()) - front - back <= 1
}

impl<'r, 'i> Section<'r, 'i> {
    /// Line of the section's header.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn value(&self, key: &str) -> Option<(&'r DeValue<'i>, usize)> {
        let (key, value) = self.table.get_key_value(key)?;
        Some((value.get_ref(), self.reader.line(&key.span())))
    }

    /// Line of a key, or of the section if the key is absent.
    pub(crate) fn line_of(&self, key: &str) -> usize {
        self.value(key).map_or(self.line, |(_, line)| line)
    }

    pub(crate) fn refuse(&self, key: &str, reason: impl Into<String>) {
        self.reader.refuse(self.line_of(key), reason);
    }

    pub(super) fn refuse_kind(&self, key: &str, expected: &str) {
        self.refuse(key, format!("`{key}` must be {expected}"));
    }

    /// Reports a missing key, unless it is present (and wrong, which was reported before).
    pub(crate) fn missing(&self, key: &str, example: &str) {
        if !self.has(key) {
            let label = self.label;
            self.refuse(key, format!("{label} needs `{key}`, such as {example}"));
        }
    }

    pub(crate) fn text(&self, key: &str) -> Option<&'r str> {
        match self.value(key)?.0 {
            DeValue::String(text) if !text.is_empty() => Some(text.as_ref()),
            _ => {
                self.refuse_kind(key, "a text in quotes");
                None
            }
        }
    }

    /// A text that `parse` accepts.
    pub(crate) fn parsed<T, E: Display>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(key)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.refuse(key, format!("`{key}` is \"{text}\": {reason}"));
                None
            }
        }
    }

    pub(crate) fn boolean(&self, key: &str) -> Option<bool> {
        match self.value(key)?.0 {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.refuse_kind(key, "true or false");
                None
            }
        }
    }

    pub(crate) fn number(&self, key: &str) -> Option<u32> {
        let number = match self.value(key)?.0 {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.refuse_kind(key, "a whole number");
        }
        number
    }

    /// An integer, possibly negative.
    pub(crate) fn integer(&self, key: &str) -> Option<i32> {
        let number = match self.value(key)?.0 {
            DeValue::Integer(number) => i32::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.refuse_kind(key, "a whole number");
        }
        number
    }

    /// A word or a table.
    pub(crate) fn word_or_section(
        &self,
        key: &str,
        label: &'static str,
        keys: &Keys,
        listed: &str,
    ) -> Option<Result<&'r str, Section<'r, 'i>>> {
        let (value, line) = self.value(key)?;
        match value {
            DeValue::String(word) => Some(Ok(word.as_ref())),
            DeValue::Table(table) => Some(Err(self.reader.open(table, line, label, keys))),
            _ => {
                self.refuse_kind(key, listed);
                None
            }
        }
    }

    /// One text or a list of texts, each accepted by `parse`.
    pub(crate) fn list<T, E: Display>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<Located<T>> {
        let Some((value, line)) = self.value(key) else {
            return Vec::new();
        };
        let mut values = Vec::new();
        let mut take = |value: &DeValue<'_>, line: usize| match value {
            DeValue::String(text) => match parse(text) {
                Ok(value) => values.push(Located { value, line }),
                Err(reason) => {
                    let reason = format!("`{key}` has \"{text}\": {reason}");
                    self.reader.refuse(line, reason);
                }
            },
            _ => self
                .reader
                .refuse(line, format!("`{key}` must hold texts in quotes")),
        };
        match value {
            DeValue::Array(items) => {
                for item in items.iter() {
                    take(item.get_ref(), self.reader.line(&item.span()));
                }
            }
            one => take(one, line),
        }
        values
    }

    /// A table within this one.
    pub(crate) fn section(
        &self,
        key: &str,
        label: &'static str,
        keys: &Keys,
    ) -> Option<Section<'r, 'i>> {
        let (value, line) = self.value(key)?;
        match value {
            DeValue::Table(table) => Some(self.reader.open(table, line, label, keys)),
            _ => {
                self.refuse_kind(key, "a table");
                None
            }
        }
    }

    /// An array of tables within this one.
    pub(crate) fn sections(
        &self,
        key: &str,
        label: &'static str,
        keys: &Keys,
    ) -> Vec<Section<'r, 'i>> {
        let mut sections = Vec::new();
        match self.value(key) {
            None => {}
            Some((DeValue::Array(items), _)) => {
                for item in items.iter() {
                    let line = self.reader.line(&item.span());
                    match item.get_ref() {
                        DeValue::Table(table) => {
                            sections.push(self.reader.open(table, line, label, keys));
                        }
                        _ => self
                            .reader
                            .refuse(line, format!("`{key}` must hold tables")),
                    }
                }
            }
            Some(_) => self.refuse(key, format!("write {label} with two brackets each side")),
        }
        sections
    }
}
