//! `--check`: reads the configuration as this process does, without serving.

use figment::value::Dict;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::config::{Problem, Reference, Source, environment, examine, named_files};
use crate::{arguments::Arguments, listener_tls, pem};

/// All errors, a sentence each.
pub(crate) fn problems<C: DeserializeOwned + JsonSchema>(
    name: &str,
    arguments: &Arguments,
) -> Vec<String> {
    let read = Source::read(&arguments.file, arguments.file_required, &environment());
    let source = match read {
        Ok(source) => source,
        Err(error) => return vec![error.to_string()],
    };
    let problems = match examine::<C>(&source, name) {
        Err(problems) => problems,
        Ok(loaded) => {
            let mut problems = missing_files(&loaded.values, &Reference::shared());
            problems.extend(missing_files(&loaded.values, &Reference::of::<C>(name)));
            if problems.is_empty() {
                problems = unusable_certificates(&loaded.shared);
            }
            problems
        }
    };
    problems
        .iter()
        .map(|problem| source.describe(problem))
        .collect()
}

/// Files named in `values` that must exist but cannot be read.
fn missing_files(values: &Dict, reference: &Reference) -> Vec<Problem> {
    let mut problems = Vec::new();
    for named in named_files(values, reference) {
        if !named.is_made
            && let Err(error) = std::fs::File::open(&named.file)
        {
            let text = format!("{} cannot be read: {error}", named.file.display());
            problems.push(Problem::new(&named.path, text));
        }
    }
    problems
}

fn unusable_certificates(shared: &crate::SharedConfig) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |path: [&str; 2], error: crate::Error| {
        problems.push(Problem::new(&path, error.to_string()));
    };
    if let Some(tls) = &shared.tls
        && let Err(error) = listener_tls::certified_key(&tls.certificate, &tls.key)
    {
        add(["tls", "certificate"], error);
    }
    if let Some(internal) = &shared.internal_tls {
        if let Err(error) = pem::authorities(&internal.ca) {
            add(["internal-tls", "ca"], error);
        }
        if let Err(error) = listener_tls::certified_key(&internal.certificate, &internal.key) {
            add(["internal-tls", "certificate"], error);
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    struct Section {}

    #[test]
    fn a_process_looks_for_its_own_files_of_internal_tls() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postern.toml");
        let path = folder.path().display();
        let text = format!(
            "[internal-tls]\nca = \"{path}/{{process}}.ca\"\ncertificate = \"{path}/{{process}}.pem\"\n\
             key = \"{path}/{{process}}.key\"\n"
        );
        std::fs::write(&file, text).unwrap();
        for name in ["pop3.ca", "pop3.pem"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let source = Source::read(&file, true, &[]).unwrap();
        let Ok(loaded) = examine::<Section>(&source, "pop3") else {
            panic!("the configuration is not read");
        };
        let missing = missing_files(&loaded.values, &Reference::shared());
        assert_eq!(missing.len(), 1);
        let missing = source.describe(&missing[0]);
        assert!(missing.contains("/pop3.key cannot be read"), "{missing}");
    }
}
