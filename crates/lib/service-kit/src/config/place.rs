//! The line of a key in a TOML text.

use toml::de::{DeTable, DeValue};

/// The error in a text that is not TOML: `line 3: …`. `None` if it is TOML.
pub(super) fn not_toml(text: &str) -> Option<String> {
    let error = DeTable::parse(text).err()?;
    let line = error.span().map_or(1, |span| line_of(text, span.start));
    Some(format!("line {line}: not TOML: {}", error.message()))
}

/// The line of the key at `path`, or of the nearest one above it.
pub(super) fn line(text: &str, path: &[String]) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut found = None;
    let mut table = document.get_ref();
    let mut value;
    let mut keys = path.iter();
    while let Some(key) = keys.next() {
        let Some((name, inner)) = table
            .iter()
            .find(|(name, _)| name.get_ref() == key.as_str())
        else {
            break;
        };
        found = Some(name.span().start);
        value = inner;
        // `listener`, `0`, `address`
        while let DeValue::Array(items) = value.get_ref() {
            let index = keys.next().and_then(|index| index.parse::<usize>().ok());
            let Some(item) = index.and_then(|index| items.get(index)) else {
                break;
            };
            found = Some(item.span().start);
            value = item;
        }
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    found.map(|offset| line_of(text, offset))
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + memchr_count(before)
}

fn memchr_count(text: &[u8]) -> usize {
    text.iter().filter(|&&octet| octet == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
hostname = \"mail.example.test\"

[pop3]
threads = 2
[[pop3.listener]]
address = \"127.0.0.1:2110\"

[[pop3.listener]]
tls = \"implicit\"
address = \"nowhere\"
[log]
";

    #[test]
    fn a_key_is_found_by_its_path() {
        for (path, expected) in [
            ("hostname", Some(1)),
            ("pop3.threads", Some(4)),
            ("pop3.listener.0.address", Some(6)),
            ("pop3.listener.1.tls", Some(9)),
            ("pop3.listener.1.address", Some(10)),
            // A missing key has the line of its table.
            ("pop3.listener.1.name", Some(8)),
            ("log.level", Some(11)),
            ("queue.listen", None),
        ] {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            assert_eq!(line(TEXT, &path), expected, "{path:?}");
        }
    }

    #[test]
    fn a_text_that_is_not_toml_is_told_where() {
        assert_eq!(not_toml(TEXT), None);
        let reason = not_toml("[log]\nlevel = info\n").unwrap_or_default();
        assert!(reason.starts_with("line 2: "), "{reason}");
    }
}
