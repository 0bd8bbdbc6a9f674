//! A reference of every key, generated from the types that read them: names, documentation, defaults.

use std::net::SocketAddr;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SharedConfig;

/// Keys allowed in every process's section.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code, reason = "read for its documentation")]
pub struct KitKeys {
    /// Number of threads of this process, instead of the shared `threads`.
    #[schemars(range(min = 1), extend("unit" = "threads"))]
    threads: Option<usize>,
    /// How long this process keeps its listeners open after it was told to end, instead of the shared
    /// `drain-delay-seconds`.
    drain_delay_seconds: Option<u64>,
    /// Address of the Prometheus metrics listener; none if not set.
    #[schemars(with = "Option<String>", extend("type-name" = "ADDRESS:PORT"))]
    metrics: Option<SocketAddr>,
    /// Endpoint of the health service in a process without gRPC services: `unix:PATH` or `HOST:PORT`.
    #[schemars(extend("type-name" = "endpoint"))]
    health: Option<String>,
}

/// One key.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Key {
    /// The tables that contain it, below the section: `listener`. They may be repeated.
    pub table: String,
    /// Whether that table is one of a list (`[[…]]`).
    pub repeated: bool,
    /// `max-connections`
    pub name: String,
    /// `whole number`, `text`, …
    pub kind: String,
    /// `seconds`, `octets`, …; empty for none.
    pub unit: String,
    /// Its minimum.
    pub least: u64,
    /// Its maximum, if there is one.
    pub most: Option<u64>,
    /// In TOML form; `required`, or empty for none.
    pub default: String,
    /// Its purpose.
    pub meaning: String,
}

impl Key {
    /// The valid numbers, in words; empty if all are valid.
    pub fn range(&self) -> String {
        match (self.least, self.most) {
            (0, None) => String::new(),
            (least, None) => format!("{least} or more"),
            (least, Some(most)) => format!("{least} to {most}"),
        }
    }
}

/// The keys of one section.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reference {
    /// Its name; empty for the shared keys.
    pub section: String,
    /// Its purpose.
    pub meaning: String,
    /// In the order of the code.
    pub keys: Vec<Key>,
}

impl Reference {
    /// The reference of the section read by `C`.
    pub fn of<C: JsonSchema>(section: &str) -> Self {
        let generator = SchemaSettings::default()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator();
        let schema = generator.into_root_schema_for::<C>();
        let schema = schema.as_value();
        let mut keys = Vec::new();
        collect(schema, "", false, &mut keys);
        Self {
            section: section.to_owned(),
            meaning: text(schema, "description"),
            keys,
        }
    }

    /// The reference of the shared keys.
    pub fn shared() -> Self {
        Self::of::<SharedConfig>("")
    }
}

fn collect(schema: &Value, table: &str, repeated: bool, keys: &mut Vec<Key>) {
    let required = schema["required"].as_array();
    let mut inner = Vec::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let described = present(property);
        let below = if table.is_empty() {
            name.clone()
        } else {
            format!("{table}.{name}")
        };
        if described["properties"].is_object() {
            inner.push((described, below, false));
            continue;
        }
        if described["items"]["properties"].is_object() {
            inner.push((&described["items"], below, true));
            continue;
        }
        let is_required =
            required.is_some_and(|required| required.iter().any(|one| one == name.as_str()));
        keys.push(Key {
            table: table.to_owned(),
            repeated,
            name: name.clone(),
            kind: kind(property, described),
            unit: unit(name, property),
            least: described["minimum"].as_u64().unwrap_or_default(),
            most: described["maximum"].as_u64(),
            default: match property.get("default") {
                Some(Value::Null) | None if is_required => "required".to_owned(),
                Some(Value::Null) | None => String::new(),
                Some(value) => value.to_string(),
            },
            meaning: text(property, "description"),
        });
    }
    for (schema, table, repeated) in inner {
        collect(schema, &table, repeated, keys);
    }
}

/// Without the alternative `null`.
fn present(property: &Value) -> &Value {
    let alternatives = property["anyOf"].as_array();
    alternatives
        .and_then(|any| any.iter().find(|one| one["type"] != "null"))
        .unwrap_or(property)
}

fn kind(property: &Value, described: &Value) -> String {
    if let Some(named) = property["type-name"].as_str() {
        return named.to_owned();
    }
    let choices = choices(described);
    if !choices.is_empty() {
        return choices.join(", ");
    }
    let name = match &described["type"] {
        Value::Array(any) => any.iter().find(|one| *one != "null"),
        one => Some(one),
    };
    match name.and_then(Value::as_str) {
        Some("integer") => "whole number".to_owned(),
        Some("boolean") => "true, false".to_owned(),
        Some("string") => "text".to_owned(),
        Some("array") => format!("list of {}", kind(&described["items"], &described["items"])),
        _ => String::new(),
    }
}

fn choices(described: &Value) -> Vec<String> {
    let listed = described["enum"].as_array().into_iter().flatten();
    let documented = described["oneOf"].as_array().into_iter().flatten();
    let single = documented.flat_map(|one| {
        let several = one["enum"].as_array().into_iter().flatten();
        one.get("const").into_iter().chain(several)
    });
    listed
        .chain(single)
        .filter(|value| !value.is_null())
        .map(Value::to_string)
        .collect()
}

/// The unit, declared in the code or taken from the key's name.
fn unit(name: &str, property: &Value) -> String {
    if let Some(unit) = property["unit"].as_str() {
        return unit.to_owned();
    }
    let units = [
        ("seconds", "seconds"),
        ("days", "days"),
        ("size", "octets"),
        ("connections", "connections"),
    ];
    let found = units
        .iter()
        .find(|(word, _)| name.split('-').any(|part| part == *word));
    found.map_or_else(String::new, |&(_, unit)| unit.to_owned())
}

fn text(schema: &Value, key: &str) -> String {
    let text = schema[key].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shared_key_is_described_with_type_unit_and_default() {
        let reference = Reference::shared();
        let key = |table: &str, name: &str| {
            let found = |key: &&Key| key.table == table && key.name == name;
            reference.keys.iter().find(found)
        };
        let drain = key("", "drain-seconds");
        assert_eq!(drain.map(|key| key.kind.as_str()), Some("whole number"));
        assert_eq!(drain.map(|key| key.unit.as_str()), Some("seconds"));
        let level = key("log", "level");
        assert_eq!(level.map(|key| key.default.as_str()), Some("\"info\""));
        let format = key("log", "format");
        assert_eq!(
            format.map(|key| key.kind.as_str()),
            Some("\"text\", \"json\"")
        );
        let certificate = key("tls", "certificate");
        assert_eq!(
            certificate.map(|key| key.default.as_str()),
            Some("required")
        );
        for key in &reference.keys {
            assert!(!key.meaning.is_empty(), "{}.{}", key.table, key.name);
            assert!(!key.kind.is_empty(), "{}.{}", key.table, key.name);
            let number = key.kind == "whole number";
            assert!(!number || !key.unit.is_empty(), "{} has no unit", key.name);
        }
    }
}
