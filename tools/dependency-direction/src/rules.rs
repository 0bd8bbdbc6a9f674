//! The rules with their reasons.

use crate::workspace::{Crate, Dependency};

/// Crates of values and functions: they decide and parse, and can be tested without a socket, a clock or a
/// database.
const PURE: &[&str] = &[
    "access-token",
    "rules",
    "message",
    "sasl",
    "smtp-protocol",
    "imap-protocol",
    "pop3-protocol",
];

/// Dependencies that allow a crate to wait, connect or store.
const IMPURE: &[&str] = &[
    "tokio",
    "tonic",
    "sqlx",
    "hyper",
    "hickory-resolver",
    "tokio-rustls",
    "rustls",
    "socket2",
];

/// The only crates that may use Postgres.
const MAY_NAME_SQLX: &[&str] = &["database", "volume", "queue", "mailbox-store"];

/// Crates forbidden in production code.
const FOR_TESTS: &[&str] = &["test-kit", "fakes"];

/// Besides the services: the crates that wrap gRPC.
const MAY_NAME_TONIC: &[&str] = &["api", "channel", "service-kit"];

/// Crates that the contracts do not know: `policy-watch` and `intake` stand between.
const NOT_FOR_API: &[&str] = &["rules", "message"];

/// The services for mail programs and other servers: only they open public listeners.
const FRONT_ENDS: &[&str] = &["smtp-server", "imap", "pop3"];

/// The user interfaces of administration: only they call an administrator's operations.
const MAY_ADMINISTER: &[&str] = &["postern"];

/// Dependencies that read a command line or a terminal, or print.
const OF_A_TERMINAL: &[&str] = &["clap", "comfy-table", "rustix"];

/// Every violation, as a sentence.
pub(crate) fn violations(workspace: &[Crate]) -> Vec<String> {
    workspace
        .iter()
        .flat_map(|member| {
            member
                .dependencies
                .iter()
                .map(move |dependency| (member, dependency))
        })
        .filter_map(|(member, dependency)| {
            let reason = breach(workspace, member, dependency)?;
            Some(format!(
                "{} depends on {}: {reason}",
                member.name, dependency.name
            ))
        })
        .collect()
}

fn breach(workspace: &[Crate], member: &Crate, dependency: &Dependency) -> Option<&'static str> {
    let named = dependency.name.as_str();
    let ours = workspace.iter().find(|other| other.name == named);
    if ours.is_some_and(Crate::is_service) {
        return Some("nobody depends on a service; services meet in proto/");
    }
    if named == "postern" && ours.is_some() {
        return Some("nobody depends on the command line");
    }
    let tests = dependency.is_for_tests()
        || member.name == "bench"
        || FOR_TESTS.contains(&member.name.as_str());
    if FOR_TESTS.contains(&named) && !tests {
        return Some("test-kit and fakes are for tests and the benchmark");
    }
    if named == "sqlx" && !MAY_NAME_SQLX.contains(&member.name.as_str()) {
        return Some("only database, volume, queue and mailbox-store know Postgres");
    }
    if named == "front-end" && !FRONT_ENDS.contains(&member.name.as_str()) {
        return Some("only front ends open listeners to clients from outside");
    }
    if named == "administration" && !MAY_ADMINISTER.contains(&member.name.as_str()) {
        return Some("only the command line asks for an administrator's operations");
    }
    if member.name == "api" && NOT_FOR_API.contains(&named) {
        return Some("the contracts know neither policy nor message format");
    }
    if member.name == "administration" && OF_A_TERMINAL.contains(&named) {
        return Some("an administrator's operations read no terminal and print nothing");
    }
    let grpc = named == "tonic" || named.starts_with("tonic-");
    if grpc && !member.is_service() && !MAY_NAME_TONIC.contains(&member.name.as_str()) {
        return Some("gRPC is for api, channel, service-kit and the services");
    }
    if PURE.contains(&member.name.as_str()) && !dependency.is_for_tests() {
        if IMPURE.contains(&named) || grpc {
            return Some("a pure crate does not wait, connect or store");
        }
        if ours.is_some() && !PURE.contains(&named) {
            return Some("a pure crate builds on pure crates only");
        }
    }
    if member.is_library() && ours.is_some_and(|ours| !ours.is_library()) {
        return Some("a library does not know who uses it");
    }
    None
}
