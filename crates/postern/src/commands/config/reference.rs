//! The reference page of the configuration: docs/configuration.md.

use std::fmt::Write as _;

use service_kit::config::{Key, Reference};

const HEAD: &str = "\
# Configuration

What a process needs to start: one file, `postern.toml`, with a section for each process. (What the
administrator decides while the system runs is policy: `postern policy --help`.) This page is made
from the code by `postern config reference`.

- `postern config check [FILE]` checks a file as every process reads it, and tells of each wrong word
  its line, its section and the nearest word that is known.
- Relative paths, those of `unix:` endpoints among them, are relative to the folder of the file: a
  folder with everything in it can be moved and copied.
- Variables of the environment override the file: `POSTERN_SMTP_SERVER__MAX_CONNECTIONS` is
  `max-connections` of `[smtp-server]`. `POSTERN_DATABASE_URL` and `POSTERN_HOSTNAME` are `url` of
  `[database]` and `hostname`.
- An endpoint is `unix:PATH` or `HOST:PORT`, with `https://` before it or not: over TCP services speak
  mutual TLS.
- `postern up` brings `[endpoints]`, `database.url` and the sockets up to date on every start.
";

pub(super) fn page(sections: &[Reference]) -> String {
    let mut page = HEAD.to_owned();
    for section in sections {
        let _infallible = match section.section.as_str() {
            "" => write!(page, "\n## Shared by all processes\n"),
            "PROCESS" => write!(page, "\n## In the section of each process\n"),
            name => write!(page, "\n## `[{name}]`\n"),
        };
        let mut tables: Vec<&str> = Vec::new();
        for key in &section.keys {
            if !tables.contains(&key.table.as_str()) {
                tables.push(&key.table);
            }
        }
        for table in tables {
            let keys: Vec<&Key> = section
                .keys
                .iter()
                .filter(|key| key.table == table)
                .collect();
            write_table(&mut page, &section.section, table, &keys);
        }
    }
    page
}

fn write_table(page: &mut String, section: &str, table: &str, keys: &[&Key]) {
    let whole = [section, table];
    let whole: Vec<&str> = whole.into_iter().filter(|part| !part.is_empty()).collect();
    let whole = whole.join(".");
    if !table.is_empty() {
        let repeated = keys.first().is_some_and(|key| key.repeated);
        let heading = if repeated {
            format!("[[{whole}]]")
        } else {
            format!("[{whole}]")
        };
        let _infallible = write!(page, "\n### `{heading}`\n");
    }
    page.push_str("\n| key | type | unit | default | meaning |\n| --- | --- | --- | --- | --- |\n");
    for key in keys {
        let code = |text: &str| {
            if text.is_empty() {
                "–".to_owned()
            } else {
                format!("`{text}`")
            }
        };
        let default = match key.default.as_str() {
            "required" => "required".to_owned(),
            other => code(other),
        };
        let unit = if key.unit.is_empty() {
            "–"
        } else {
            &key.unit
        };
        let _infallible = writeln!(
            page,
            "| `{}` | {} | {unit} | {default} | {} |",
            key.name,
            kind(key).replace('|', "\\|"),
            key.meaning.replace('|', "\\|")
        );
    }
}

/// The type, and the allowed values.
fn kind(key: &Key) -> String {
    match key.range() {
        range if range.is_empty() => key.kind.clone(),
        range => format!("{}, {range}", key.kind),
    }
}
