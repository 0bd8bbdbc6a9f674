//! The files that a configuration names.

use std::path::PathBuf;

use figment::value::{Dict, Value};

use super::Reference;

/// A file that a key names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedFile {
    /// The way to the key; the place in a list is a number: `smtp-server`, `listener`, `0`, …
    pub(crate) path: Vec<String>,
    /// As it is named: relative to the folder of the configuration.
    pub(crate) file: PathBuf,
    /// The process makes it when it is missing.
    pub(crate) is_made: bool,
}

impl NamedFile {
    /// The section or the shared table, and the key: `[internal-tls] key`.
    pub(crate) fn key(&self) -> String {
        let (key, tables) = self
            .path
            .split_last()
            .map_or(("", &[][..]), |(key, tables)| (key.as_str(), tables));
        let tables: Vec<&str> = tables
            .iter()
            .map(String::as_str)
            .filter(|part| part.parse::<usize>().is_err())
            .collect();
        format!("[{}] {key}", tables.join("."))
    }
}

/// The files that `values` names in the section that `reference` describes.
pub(crate) fn named_files(values: &Dict, reference: &Reference) -> Vec<NamedFile> {
    let mut found = Vec::new();
    for key in &reference.keys {
        let is_made = match key.kind.as_str() {
            "file" => false,
            "key file" => true,
            _ => continue,
        };
        let path = [&reference.section, &key.table, &key.name];
        let path: Vec<&str> = path
            .into_iter()
            .flat_map(|part| part.split('.'))
            .filter(|part| !part.is_empty())
            .collect();
        collect(values, &path, &mut Vec::new(), &mut |path, file| {
            found.push(NamedFile {
                path: path.to_vec(),
                file: PathBuf::from(file),
                is_made,
            });
        });
    }
    found
}

fn collect(
    table: &Dict,
    path: &[&str],
    above: &mut Vec<String>,
    found: &mut dyn FnMut(&[String], &str),
) {
    let Some((&first, rest)) = path.split_first() else {
        return;
    };
    let Some(value) = table.get(first) else {
        return;
    };
    above.push(first.to_owned());
    match value {
        Value::Dict(_, inner) => collect(inner, rest, above, found),
        Value::Array(_, items) => {
            for (number, item) in items.iter().enumerate() {
                if let Value::Dict(_, inner) = item {
                    above.push(number.to_string());
                    collect(inner, rest, above, found);
                    above.pop();
                }
            }
        }
        Value::String(_, file) if rest.is_empty() => found(above, file),
        _ => {}
    }
    above.pop();
}
