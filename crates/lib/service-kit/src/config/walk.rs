//! Look-up of a reference's keys in the values of a configuration.

use figment::value::{Dict, Value};

use super::{Key, Reference};

/// A configured value of a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given<'v> {
    /// Its path; the position in a list is a number: `smtp-server`, `listener`, `0`, …
    pub(super) path: Vec<String>,
    pub(super) value: &'v Value,
}

/// The values of `key` in the section described by `reference`: several if its table is repeated.
pub(super) fn given<'v>(values: &'v Dict, reference: &Reference, key: &Key) -> Vec<Given<'v>> {
    let way = [&reference.section, &key.table, &key.name];
    let way: Vec<&str> = way
        .into_iter()
        .flat_map(|part| part.split('.'))
        .filter(|part| !part.is_empty())
        .collect();
    let mut found = Vec::new();
    collect(values, &way, &mut Vec::new(), &mut found);
    found
}

fn collect<'v>(table: &'v Dict, way: &[&str], above: &mut Vec<String>, found: &mut Vec<Given<'v>>) {
    let Some((&first, rest)) = way.split_first() else {
        return;
    };
    let Some(value) = table.get(first) else {
        return;
    };
    above.push(first.to_owned());
    match value {
        value if rest.is_empty() => found.push(Given {
            path: above.clone(),
            value,
        }),
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
        _ => {}
    }
    above.pop();
}
