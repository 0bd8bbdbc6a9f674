//! Paths in the data folder become relative to it, so that the folder can be moved and copied.

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Value};

/// The paths that `postern up` writes, which identify the folder in which the file was last used: section,
/// key and the path within the folder.
const KNOWN: [(&str, &str, &str); 5] = [
    ("queue", "secret-key-file", "secrets/policy.key"),
    ("tls", "certificate", "tls/certificate.pem"),
    ("queue", "listen", "run/queue.sock"),
    ("queue", "data-path", "postgres"),
    ("database", "data-path", "postgres"),
];

/// Makes absolute paths relative if they point into `root`, or into the folder of the last use before a
/// move or copy to `root`, and the target exists in `root`.
pub(super) fn relocate(document: &mut DocumentMut, root: &Path) {
    let before = KNOWN
        .iter()
        .find_map(|(section, key, within)| former_root(document, section, key, within));
    let mut roots = vec![root.to_owned()];
    roots.extend(before.filter(|before| before != root));
    for (_, item) in document.as_table_mut().iter_mut() {
        change(item, &mut |text| relative(text, &roots, root));
    }
}

fn former_root(document: &DocumentMut, section: &str, key: &str, within: &str) -> Option<PathBuf> {
    let text = document.get(section)?.get(key)?.as_str()?;
    let path = Path::new(text.strip_prefix("unix:").unwrap_or(text));
    let root = path
        .ancestors()
        .nth(Path::new(within).components().count())?;
    (path.is_absolute() && root.join(within) == path).then(|| root.to_owned())
}

fn relative(text: &str, roots: &[PathBuf], root: &Path) -> Option<String> {
    let (scheme, path) = match text.strip_prefix("unix:") {
        Some(path) => ("unix:", path),
        None => ("", text),
    };
    let within = roots
        .iter()
        .find_map(|root| Path::new(path).strip_prefix(root).ok())?;
    let is_there = !within.as_os_str().is_empty() && root.join(within).exists();
    // Sockets are created at each start.
    (is_there || !scheme.is_empty()).then(|| format!("{scheme}{}", within.display()))
}

fn change(item: &mut Item, change_text: &mut dyn FnMut(&str) -> Option<String>) {
    match item {
        Item::Value(value) => change_value(value, change_text),
        Item::Table(table) => {
            for (_, inner) in table.iter_mut() {
                change(inner, change_text);
            }
        }
        Item::ArrayOfTables(tables) => {
            for table in tables.iter_mut() {
                for (_, inner) in table.iter_mut() {
                    change(inner, change_text);
                }
            }
        }
        Item::None => {}
    }
}

fn change_value(value: &mut Value, change_text: &mut dyn FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = change_text(text.value()) {
                let decor = value.decor().clone();
                *value = new.into();
                *value.decor_mut() = decor;
            }
        }
        Value::Array(values) => {
            for inner in values.iter_mut() {
                change_value(inner, change_text);
            }
        }
        Value::InlineTable(table) => {
            for (_, inner) in table.iter_mut() {
                change_value(inner, change_text);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn paths_into_a_moved_folder_become_relative_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for file in [
            "tls/certificate.pem",
            "secrets/policy.key",
            "own/clients.pem",
        ] {
            std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            std::fs::write(root.join(file), "").unwrap();
        }
        let here = root.display();
        let mut document: DocumentMut = format!(
            r#"
[tls]
certificate = "/srv/old/tls/certificate.pem" # mine
key = "/etc/letsencrypt/live/mail/key.pem"
[queue]
secret-key-file = "/srv/old/secrets/policy.key"
listen = "unix:/srv/old/run/queue.sock"
data-path = "{here}/tls"
[delivery]
authorities = "/srv/old/gone.pem"
[[smtp-server.listener]]
client-certificates = {{ authority = "/srv/old/own/clients.pem" }}
"#
        )
        .parse()
        .unwrap();
        relocate(&mut document, root);
        assert_eq!(
            document.to_string(),
            r#"
[tls]
certificate = "tls/certificate.pem" # mine
key = "/etc/letsencrypt/live/mail/key.pem"
[queue]
secret-key-file = "secrets/policy.key"
listen = "unix:run/queue.sock"
data-path = "tls"
[delivery]
authorities = "/srv/old/gone.pem"
[[smtp-server.listener]]
client-certificates = { authority = "own/clients.pem" }
"#
        );
    }

    #[test]
    fn a_file_that_names_no_folder_stays_as_it_is() {
        let text = "[queue]\nsecret-key-file = \"/etc/postern/key\"\n";
        let mut document: DocumentMut = text.parse().unwrap();
        relocate(&mut document, Path::new("/srv/mail"));
        assert_eq!(document.to_string(), text);
    }
}
