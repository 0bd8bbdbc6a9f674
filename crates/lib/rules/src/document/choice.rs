//! Values that are either a word or a table of one key.

use toml::de::{DeTable, DeValue};

use crate::document::read::Section;

/// A value that is either a word or a table of one key: `"direct"`, `{ gateway = "isp" }`.
pub(crate) enum Choice<'r> {
    Word(&'r str),
    Keyed(&'r str, &'r str),
}

/// The values allowed where a [`Choice`] is expected.
pub(crate) struct Choices {
    pub(crate) words: &'static [&'static str],
    pub(crate) keys: &'static [&'static str],
    pub(crate) planned: &'static [&'static str],
    /// For error messages: the choices as a list.
    pub(crate) listed: &'static str,
}

impl<'r, 'i> Section<'r, 'i> {
    pub(crate) fn choice(&self, key: &str, choices: &Choices) -> Option<Choice<'r>> {
        let listed = choices.listed;
        let value = self.value(key)?.0;
        match value {
            DeValue::String(word) if choices.words.contains(&word.as_ref()) => {
                return Some(Choice::Word(word.as_ref()));
            }
            DeValue::String(word) if choices.planned.contains(&word.as_ref()) => {
                self.refuse(key, format!("`{key} = \"{word}\"` is not supported yet"));
            }
            DeValue::String(word) => {
                self.refuse(key, format!("`{key}` is \"{word}\": it can be {listed}"));
            }
            DeValue::Table(table) => return self.keyed(key, table, choices),
            _ => self.refuse_kind(key, listed),
        }
        None
    }

    fn keyed(&self, key: &str, table: &'r DeTable<'i>, choices: &Choices) -> Option<Choice<'r>> {
        let listed = choices.listed;
        for inner in table.keys() {
            let inner: &str = inner.get_ref();
            if choices.planned.contains(&inner) {
                self.refuse(key, format!("`{inner}` in `{key}` is not supported yet"));
                return None;
            }
        }
        let mut entries = table.iter();
        if let (Some((inner, value)), None) = (entries.next(), entries.next()) {
            let inner: &str = inner.get_ref();
            if choices.keys.contains(&inner)
                && let DeValue::String(text) = value.get_ref()
            {
                return Some(Choice::Keyed(inner, text.as_ref()));
            }
        }
        self.refuse_kind(key, listed);
        None
    }
}
