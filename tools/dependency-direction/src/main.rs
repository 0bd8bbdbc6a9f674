//! Fails if a crate of the workspace depends on a crate above or beside it, or if too many files of a crate
//! import each other. CI runs it. The rules for crates are the table in `rules.rs`, the rule for files is
//! in `circles.rs`, and ARCHITECTURE.md has the picture.

mod circles;
mod rules;
mod workspace;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

fn main() -> anyhow::Result<ExitCode> {
    let workspace = workspace::parse(&cargo_metadata()?)?;
    let mut violations = rules::violations(&workspace);
    violations.extend(circles::violations(&workspace)?);
    let mut stderr = std::io::stderr().lock();
    for violation in &violations {
        writeln!(stderr, "{violation}")?;
    }
    Ok(if violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn cargo_metadata() -> anyhow::Result<Vec<u8>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .output()
        .context("running cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output.stdout)
}
