//! The files named in a configuration.

use std::path::PathBuf;

use figment::value::Dict;

use super::Reference;
use super::walk::given;

/// A file named by a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedFile {
    /// The path of the key; the position in a list is a number: `smtp-server`, `listener`, `0`, …
    pub(crate) path: Vec<String>,
    /// As configured: relative to the folder of the configuration.
    pub(crate) file: PathBuf,
    /// The process creates it if it is missing.
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

/// The files named in `values`, in the section described by `reference`.
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
