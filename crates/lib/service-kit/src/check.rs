//! `--check`: the configuration as this process reads it, without serving.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::config::{Problem, Reference, Source, environment, examine, named_files};
use crate::{arguments::Arguments, listener_tls, pem};

/// Everything that is wrong, a sentence each.
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
            let mut problems = missing_files(&source, &Reference::shared());
            problems.extend(missing_files(&source, &Reference::of::<C>(name)));
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

/// Files that are named and must be there, but cannot be read.
fn missing_files(source: &Source, reference: &Reference) -> Vec<Problem> {
    let mut problems = Vec::new();
    for named in named_files(source.values(), reference) {
        if !named.is_made
            && let Err(error) = std::fs::File::open(&named.file)
        {
            let keys: Vec<&str> = named.path.iter().map(String::as_str).collect();
            let text = format!("{} cannot be read: {error}", named.file.display());
            problems.push(Problem::new(&keys, text));
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
