//! Edits the policy document in place: comments and order are kept.

use std::ops::Range;

use rules::{Domain, DomainRule, Policy};
use toml_edit::{Array, Document, InlineTable, Item, Table, Value, value};

use crate::Error;
use crate::domains::{Deliver, NewDomain, Unmatched};

/// The reason why a document was not edited.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EditError {
    /// The new entry exists already.
    #[error("{0}")]
    AlreadyExists(String),
    /// The entry to remove does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The document is invalid, or would become so.
    #[error("the policy would not be valid:\n{0}")]
    Invalid(String),
}

impl From<EditError> for Error {
    fn from(error: EditError) -> Self {
        let text = error.to_string();
        match error {
            EditError::AlreadyExists(_) => Self::AlreadyExists(text),
            EditError::NotFound(_) => Self::NotFound(text),
            EditError::Invalid(_) => Self::Refused(text),
        }
    }
}

/// A value of the document: a word, or a table of one key.
enum Setting<'a> {
    Word(&'a str),
    Keyed(&'static str, &'a str),
}

impl Setting<'_> {
    fn value(&self) -> Value {
        match self {
            Self::Word(word) => Value::from(*word),
            Self::Keyed(key, text) => {
                let mut table = InlineTable::new();
                table.insert(*key, Value::from(*text));
                Value::InlineTable(table)
            }
        }
    }
}

impl<'a> From<&'a Deliver> for Setting<'a> {
    fn from(deliver: &'a Deliver) -> Self {
        match deliver {
            Deliver::Mailboxes => Self::Word("mailboxes"),
            Deliver::Mailbox(name) => Self::Keyed("mailbox", name),
            Deliver::Direct => Self::Word("direct"),
            Deliver::Gateway(name) => Self::Keyed("gateway", name),
        }
    }
}

impl<'a> From<&'a Unmatched> for Setting<'a> {
    fn from(unmatched: &'a Unmatched) -> Self {
        match unmatched {
            Unmatched::Refuse => Self::Word("refuse"),
            Unmatched::Accept => Self::Word("accept"),
            Unmatched::CatchAll(mailbox) => Self::Keyed("catch-all", mailbox),
        }
    }
}

/// Adds a domain rule at the end of the document.
pub(crate) fn add_domain(document: &str, new: &NewDomain) -> Result<String, EditError> {
    let policy = parse(document)?;
    for domain in new.name.iter().chain(&new.aliases) {
        if let Some(rule) = policy.domain(domain) {
            return Err(EditError::AlreadyExists(there_already(domain, rule)));
        }
    }
    let everything_else = policy.domains().iter().find(|rule| rule.name.is_none());
    if let (None, Some(rule)) = (&new.name, everything_else) {
        let line = rule.line;
        let text = format!(
            "* (everything else) is handled already: its rule begins in line {line} of the policy. {TO_CHANGE}"
        );
        return Err(EditError::AlreadyExists(text));
    }
    let mut text = document.trim_end().to_owned();
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(&section(new));
    parse(&text)?;
    Ok(text)
}

/// The way to change an existing rule.
const TO_CHANGE: &str = "To change it: postern policy show > policy.toml, edit that, \
                         postern policy apply policy.toml";

fn there_already(domain: &Domain, rule: &DomainRule) -> String {
    let line = rule.line;
    match &rule.name {
        Some(name) if name != domain => format!(
            "{domain} is handled already, as an alias of {name}, whose rule begins in line {line} of the policy. \
             {TO_CHANGE}"
        ),
        _ => format!(
            "{domain} is handled already: its rule begins in line {line} of the policy. {TO_CHANGE}"
        ),
    }
}

fn section(new: &NewDomain) -> String {
    let mut table = Table::new();
    let name = new.name.as_ref().map_or("*".to_owned(), Domain::to_unicode);
    table.insert("name", value(name));
    if !new.aliases.is_empty() {
        let aliases: Array = new.aliases.iter().map(Domain::to_unicode).collect();
        table.insert("aliases", value(aliases));
    }
    table.insert("deliver", value(Setting::from(&new.deliver).value()));
    if let Some(from) = new.from {
        table.insert("from", value(from.as_str()));
    }
    if let Some(unmatched) = &new.unmatched {
        table.insert("unmatched", value(Setting::from(unmatched).value()));
    }
    format!("[[domain]]\n{table}")
}

/// Removes the rule of a domain, with its handlers and the comment directly above it.
pub(crate) fn remove_domain(document: &str, name: Option<&Domain>) -> Result<String, EditError> {
    let policy = parse(document)?;
    let shown = name.map_or("*".to_owned(), ToString::to_string);
    if let Some(rule) = name.and_then(|name| policy.domain(name))
        && rule.name.as_ref() != name
        && let Some(of) = &rule.name
    {
        let text = format!(
            "{shown} is an alias of {of}: edit `aliases` by `postern policy show` and `apply`, \
             or remove {of}"
        );
        return Err(EditError::NotFound(text));
    }
    let index = policy
        .domains()
        .iter()
        .position(|r| r.name.as_ref() == name);
    let range = index.and_then(|index| section_range(document, index));
    let Some(range) = range else {
        let text = format!("{shown} is not in the policy; `postern domain list` shows what is");
        return Err(EditError::NotFound(text));
    };
    let mut text = document[..range.start].to_owned();
    text.push_str(&document[range.end..]);
    // The two empty lines around the removed section become one.
    if text[..range.start].ends_with("\n\n") {
        let rest = text[range.start..].trim_start_matches('\n').to_owned();
        text.truncate(range.start);
        text.push_str(&rest);
    }
    let mut text = text.trim_end().to_owned();
    text.push('\n');
    parse(&text)?;
    Ok(text)
}

fn parse(document: &str) -> Result<Policy, EditError> {
    Policy::parse(document).map_err(|errors| EditError::Invalid(errors.to_string()))
}

/// The range of the n-th `[[domain]]`, with the comment directly above it, without lines that belong to the
/// next section.
fn section_range(document: &str, index: usize) -> Option<Range<usize>> {
    let parsed = Document::parse(document).ok()?;
    let table = parsed.get("domain")?.as_array_of_tables()?.get(index)?;
    let mut own = Vec::new();
    heads_of_table(table, &mut own);
    let mut heads = Vec::new();
    for (_, item) in parsed.iter() {
        heads_of_item(item, &mut heads);
    }
    let start = *own.first()?;
    let next = heads
        .into_iter()
        .filter(|head| *head > start && !own.contains(head))
        .min()
        .unwrap_or(document.len());
    Some(comment_above(document, start)..end_of_settings(document, start, next))
}

/// The positions of the section headers of an item.
fn heads_of_item(item: &Item, heads: &mut Vec<usize>) {
    match item {
        Item::Table(table) => heads_of_table(table, heads),
        Item::ArrayOfTables(tables) => tables.iter().for_each(|table| heads_of_table(table, heads)),
        Item::None | Item::Value(_) => {}
    }
}

fn heads_of_table(table: &Table, heads: &mut Vec<usize>) {
    if let Some(span) = table.span().filter(|_| !table.is_implicit()) {
        heads.push(span.start);
    }
    for (_, item) in table.iter() {
        heads_of_item(item, heads);
    }
}

/// The start of the block of comment lines directly above `start`.
fn comment_above(document: &str, start: usize) -> usize {
    let mut start = document[..start].rfind('\n').map_or(0, |at| at + 1);
    while let Some(above) = document[..start].strip_suffix('\n') {
        let line = above.rfind('\n').map_or(0, |at| at + 1);
        if !above[line..].trim_start().starts_with('#') {
            break;
        }
        start = line;
    }
    start
}

/// The end of the last setting before `next`: blank lines and comments after it belong to the next section.
fn end_of_settings(document: &str, start: usize, next: usize) -> usize {
    let mut end = document[..next].rfind('\n').map_or(next, |at| at + 1);
    if next == document.len() {
        end = next;
    }
    while let Some(text) = document.get(start..end) {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let line = text.rfind('\n').map_or(0, |at| at + 1);
        let last = text[line..].trim();
        if line == 0 || !(last.is_empty() || last.starts_with('#')) {
            break;
        }
        end = start + line;
    }
    end
}

#[cfg(test)]
mod tests;
