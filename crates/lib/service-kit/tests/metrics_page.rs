//! docs/metrics.md lists every metric of every process, with its type, and no other.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
#![allow(missing_docs, reason = "no interface")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A name and a type.
type Metric = (String, String);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../..")
        .canonicalize()
        .unwrap()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The arguments of the `metrics` macros in this source.
fn registered(source: &str) -> BTreeSet<Metric> {
    let mut found = BTreeSet::new();
    for kind in ["counter", "gauge", "histogram"] {
        for (at, call) in source.match_indices(&format!("{kind}!(")) {
            let rest = source[at + call.len()..].trim_start();
            let name = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'));
            let (name, _) = name.expect("a metric's name is written where it is registered");
            found.insert((name.to_owned(), kind.to_owned()));
        }
    }
    found
}

fn all_registered() -> BTreeSet<Metric> {
    let mut files = Vec::new();
    for folder in ["crates/lib", "crates/services"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let source = entry.unwrap().path().join("src");
            if source.is_dir() {
                sources(&source, &mut files);
            }
        }
    }
    let mut found = BTreeSet::new();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        // Tests may use any name.
        let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        found.extend(registered(source));
        if file.ends_with("process_metrics.rs") {
            found.extend(of_the_process(source));
        }
    }
    found
}

/// The metrics written into the page: `"process_…", "gauge"`.
fn of_the_process(source: &str) -> BTreeSet<Metric> {
    let mut quoted = source.split('"').skip(1).step_by(2).peekable();
    let mut found = BTreeSet::new();
    while let Some(word) = quoted.next() {
        if word.starts_with("process_")
            && let Some(kind) = quoted.peek()
        {
            found.insert((word.to_owned(), (*kind).to_owned()));
        }
    }
    found
}

fn documented() -> Vec<Metric> {
    let page = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?.to_owned();
        let kind = cells.next()?.to_owned();
        assert!(
            cells.next().is_some_and(|text| text.len() > 5),
            "{name} has no meaning"
        );
        Some((name, kind))
    });
    rows.collect()
}

#[test]
fn the_page_lists_what_is_registered_and_no_more() {
    let documented = documented();
    let distinct: BTreeSet<Metric> = documented.iter().cloned().collect();
    assert_eq!(distinct.len(), documented.len(), "a metric is listed twice");
    let registered = all_registered();
    assert!(registered.len() > 30, "{registered:?}");
    let missing: Vec<_> = registered.difference(&distinct).collect();
    assert!(missing.is_empty(), "docs/metrics.md lacks {missing:?}");
    let gone: Vec<_> = distinct.difference(&registered).collect();
    assert!(
        gone.is_empty(),
        "docs/metrics.md lists {gone:?}, which nothing registers"
    );
}

#[test]
fn names_begin_with_the_systems_or_the_processs_and_say_their_unit() {
    for (name, kind) in all_registered() {
        assert!(
            name.starts_with("postern_") || name.starts_with("process_"),
            "{name}"
        );
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
    }
}
