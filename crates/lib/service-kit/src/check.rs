//! `--check`: the configuration as this process reads it, without serving.

use std::path::Path;

use figment::value::{Dict, Value};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::config::{Problem, Reference, Source, environment, examine};
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
    let files = reference.keys.iter().filter(|key| key.kind == "file");
    for key in files {
        let path = [&reference.section, &key.table, &key.name];
        let path: Vec<&str> = path
            .into_iter()
            .flat_map(|part| part.split('.'))
            .filter(|part| !part.is_empty())
            .collect();
        look_at(source.values(), &path, &mut Vec::new(), &mut problems);
    }
    problems
}

fn look_at(table: &Dict, path: &[&str], above: &mut Vec<String>, problems: &mut Vec<Problem>) {
    let Some((&first, rest)) = path.split_first() else {
        return;
    };
    let Some(value) = table.get(first) else {
        return;
    };
    above.push(first.to_owned());
    match value {
        Value::Dict(_, inner) => look_at(inner, rest, above, problems),
        Value::Array(_, items) => {
            for (number, item) in items.iter().enumerate() {
                if let Value::Dict(_, inner) = item {
                    above.push(number.to_string());
                    look_at(inner, rest, above, problems);
                    above.pop();
                }
            }
        }
        Value::String(_, file) if rest.is_empty() => {
            if let Err(error) = std::fs::File::open(Path::new(file)) {
                let keys: Vec<&str> = above.iter().map(String::as_str).collect();
                problems.push(Problem::new(
                    &keys,
                    format!("{file} cannot be read: {error}"),
                ));
            }
        }
        _ => {}
    }
    above.pop();
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
