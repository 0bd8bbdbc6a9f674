//! The files that a configuration names.

use std::path::PathBuf;

use figment::value::Dict;

use super::Reference;
use super::walk::given;

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
        for given in given(values, reference, key) {
            if let Some(file) = given.value.as_str() {
                found.push(NamedFile {
                    file: PathBuf::from(file),
                    path: given.path,
                    is_made,
                });
            }
        }
    }
    found
}
