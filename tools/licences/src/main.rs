//! Fails if a built package has a licence that `deny.toml` does not allow, is banned there, or does not
//! come from a registry. Only the bans apply to the fuzz crates, which are separate workspaces. CI runs it:
//! it needs only cargo.

mod builds;
mod expression;
mod rules;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use rules::Rules;

fn main() -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string("deny.toml").context("reading deny.toml")?;
    let rules: Rules = toml::from_str(&text).context("deny.toml")?;
    let mut violations = Vec::new();
    for folder in builds::workspaces(Path::new("."))? {
        let ours = folder == Path::new(".");
        violations.extend(check(&rules, &folder, ours)?);
    }
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

/// The violations in one workspace; prints the banned crates that `Cargo.lock` lists without use.
fn check(rules: &Rules, folder: &Path, ours: bool) -> anyhow::Result<Vec<String>> {
    let file = folder.join("Cargo.lock");
    let lock = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let lock = builds::locked(&lock)?;
    let named = lock.iter().filter(|one| rules.bans(&one.name).is_some());
    let named: Vec<&str> = named.map(|one| one.name.as_str()).collect();
    if !ours && named.is_empty() {
        return Ok(Vec::new());
    }
    let packages = builds::packages(folder, rules.targets())?;
    let violations = if ours {
        rules.violations(&packages)?
    } else {
        rules.banned(&packages)
    };
    let mut stdout = std::io::stdout().lock();
    for name in named {
        if !rules::holds(&packages, name) {
            let by = builds::named_by(&lock, name).join(", ");
            writeln!(
                stdout,
                "{}: {name} is an optional dependency of {by}; no build has it",
                file.display()
            )?;
        }
    }
    Ok(violations)
}
