//! Each rule is broken once, so that a rule which no longer bites is seen.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::{cargo_metadata, circles, rules, workspace};

/// `folder/name: dependency dependency:dev …`
fn breaches(crates: &[&str]) -> Vec<String> {
    let packages: Vec<serde_json::Value> = crates
        .iter()
        .map(|line| {
            let (path, dependencies) = line.split_once(':').unwrap();
            let dependencies: Vec<serde_json::Value> = dependencies
                .split_whitespace()
                .map(|word| {
                    let (name, kind) = word.split_once('/').unwrap_or((word, ""));
                    let kind = if kind.is_empty() { serde_json::Value::Null } else { kind.into() };
                    serde_json::json!({ "name": name, "kind": kind })
                })
                .collect();
            let name = path.rsplit('/').next().unwrap();
            serde_json::json!({
                "name": name, "manifest_path": format!("/w/{path}/Cargo.toml"), "dependencies": dependencies,
            })
        })
        .collect();
    let metadata = serde_json::to_vec(&serde_json::json!({ "packages": packages })).unwrap();
    rules::violations(&workspace::parse(&metadata).unwrap())
}

#[test]
fn the_workspace_itself_keeps_the_direction() {
    let workspace = workspace::parse(&cargo_metadata().unwrap()).unwrap();
    assert!(workspace.len() > 10, "cargo metadata found the workspace");
    assert_eq!(rules::violations(&workspace), Vec::<String>::new());
}

#[test]
fn no_crate_of_the_workspace_has_a_large_circle_of_files() {
    let workspace = workspace::parse(&cargo_metadata().unwrap()).unwrap();
    let roots = workspace
        .iter()
        .flat_map(|member| member.production_roots());
    assert!(roots.count() > 10, "cargo metadata told the targets");
    assert_eq!(
        circles::violations(&workspace).unwrap(),
        Vec::<String>::new()
    );
}

#[test]
fn what_is_right_passes() {
    let right = [
        "crates/lib/rules: thiserror message",
        "crates/lib/message: memchr tokio/dev",
        "crates/lib/api: tonic prost sasl",
        "crates/lib/intake: api message rules",
        "crates/lib/test-kit: tokio",
        "crates/services/queue: sqlx tonic rules api test-kit/dev",
        "crates/lib/administration: api rules serde",
        "crates/postern: administration api rules clap",
    ];
    assert_eq!(breaches(&right), Vec::<String>::new());
}

#[test]
fn each_rule_bites() {
    let wrong = [
        ("crates/lib/rules: tokio", "does not wait"),
        ("crates/lib/message: tonic", "gRPC is for"),
        ("crates/lib/imap-protocol: sqlx", "know Postgres"),
        ("crates/lib/smtp-protocol: session-io", "pure crates only"),
        ("crates/lib/session-io: queue", "depends on a service"),
        ("crates/services/imap: queue", "depends on a service"),
        ("crates/services/imap: queue/dev", "depends on a service"),
        ("crates/services/imap: sqlx", "know Postgres"),
        ("crates/services/delivery: sqlx/dev", "know Postgres"),
        ("crates/lib/session-io: tonic-health", "gRPC is for"),
        ("crates/postern: tonic", "gRPC is for"),
        ("crates/lib/api: test-kit", "for tests"),
        ("crates/services/queue: fakes", "for tests"),
        ("crates/lib/api: rules", "neither policy nor"),
        ("crates/lib/api: postern/dev", "the command line"),
        ("crates/lib/api: bench/dev", "who uses it"),
        ("crates/lib/administration: clap", "read no terminal"),
        (
            "crates/services/smtp-server: administration",
            "only the command line asks",
        ),
    ];
    for (line, reason) in wrong {
        let others = [
            "crates/services/queue:",
            "crates/lib/session-io:",
            "crates/lib/test-kit:",
            "crates/postern:",
            "tools/bench:",
        ];
        let path = line.split(':').next().unwrap();
        let mut crates: Vec<&str> = others
            .into_iter()
            .filter(|other| !other.starts_with(&format!("{path}:")))
            .collect();
        crates.push(line);
        let found = breaches(&crates);
        assert!(
            found.len() == 1 && found.iter().all(|text| text.contains(reason)),
            "{line}: {found:?}"
        );
    }
}
