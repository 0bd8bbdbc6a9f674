//! External programs: Python's mail libraries, swaks, mbsync, curl.

use std::path::Path;
use std::process::{Command, Output};

/// Whether a tool is installed; says so if a case is skipped for that reason. In CI nothing is skipped.
pub fn have(tool: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()));
    if !found {
        assert!(
            std::env::var_os("POSTERN_TESTS_SKIP_NOTHING").is_none(),
            "{tool} is not installed: scripts/install test"
        );
        eprintln!("SKIPPED: {tool} is not installed; `scripts/install test` installs it");
    }
    found
}

/// Runs one of `clients/*.py`, which fails with a message of its own.
pub fn python(script: &str, arguments: &[&str]) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(script);
    run(Command::new("python3").arg("-B").arg(file).args(arguments))
}

/// Runs a program that must succeed; returns its output.
pub fn run(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        status.success(),
        "{command:?}: {status}\n{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    String::from_utf8_lossy(&stdout).into_owned()
}
