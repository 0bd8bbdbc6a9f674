//! Policies and scripts in files or on standard input.

use std::io::Read;
use std::path::Path;

use administration::Administration;
use administration::policy::{Document, QueriedPolicy};
use rules::Policy;

use crate::failure::Failure;

/// The policy in a file, otherwise a revision of the running system.
pub(super) async fn queried(
    file: Option<&Path>,
    revision: u64,
    administration: &Administration,
) -> Result<QueriedPolicy, Failure> {
    Ok(match file {
        Some(file) => QueriedPolicy::of_document(&document(file)?)?,
        None => QueriedPolicy::of_revision(administration, revision).await?,
    })
}

/// Reads a policy's document; `-` is standard input.
pub(super) fn document(file: &Path) -> Result<Document, Failure> {
    read(file, Policy::LONGEST_DOCUMENT)
}

/// Reads a text with a maximum length in octets.
pub(super) fn read(file: &Path, longest: usize) -> Result<Document, Failure> {
    let name = file.display().to_string();
    let failed = |error: std::io::Error| Failure::Usage(format!("{name} cannot be read: {error}"));
    let mut input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).map_err(failed)?)
    };
    let mut octets = Vec::new();
    let beyond = longest as u64 + 1;
    let size = input.by_ref().take(beyond).read_to_end(&mut octets);
    if size.map_err(failed)? > longest {
        let limit = rules::format_size(longest as u64);
        let reason = format!("{name} is too large: it can have at most {limit}");
        return Err(Failure::refused(reason));
    }
    match String::from_utf8(octets) {
        Ok(text) => Ok(Document { name, text }),
        Err(_) => Err(Failure::Usage(format!("{name} is no UTF-8 text"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use super::*;

    #[test]
    fn what_no_policy_can_have_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.toml");
        let longest = "#".repeat(Policy::LONGEST_DOCUMENT);
        std::fs::write(&file, &longest).unwrap();
        assert_eq!(document(&file).unwrap().text, longest);
        std::fs::write(&file, longest + "\n").unwrap();
        let failure = document(&file).unwrap_err();
        assert_eq!(failure.code(), 1);
        let told = failure.to_string();
        assert!(
            told.ends_with("is too large: it can have at most 8 MiB"),
            "{told}"
        );
        std::fs::write(&file, b"\xff").unwrap();
        let failure = document(&file).unwrap_err();
        assert!(
            failure.to_string().ends_with("is no UTF-8 text"),
            "{failure}"
        );
    }
}
