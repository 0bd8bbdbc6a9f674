//! Fails when anything that is built into the workspace has a licence that `deny.toml` does not
//! allow, is banned by it, or comes from elsewhere than a registry. CI runs it: it needs nothing
//! but cargo, and no network.

mod expression;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use serde::Deserialize;

/// What of `deny.toml` is kept here.
#[derive(Debug, Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Debug, Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

fn main() -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string("deny.toml").context("reading deny.toml")?;
    let rules: Rules = toml::from_str(&text).context("deny.toml")?;
    let violations = violations(&rules, &packages()?)?;
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

/// Lines of `name version [(where)]|licence`: what is really built. (`cargo metadata` names optional
/// packages too that nobody has switched on.)
fn packages() -> anyhow::Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--workspace", "--locked", "--prefix", "none"])
        .args(["--edges", "normal,build,dev", "--format", "{p}|{l}"])
        .output()
        .context("running cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).context("what cargo tree says")
}

fn violations(rules: &Rules, packages: &str) -> anyhow::Result<Vec<String>> {
    let mut lines: Vec<&str> = packages.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    let mut found = Vec::new();
    for line in lines {
        let (package, licence) = line
            .split_once('|')
            .with_context(|| format!("cargo tree says `{line}`"))?;
        let name = package.split(' ').next().unwrap_or(package);
        if let Some(banned) = rules.bans.deny.iter().find(|banned| banned.name == name) {
            found.push(format!("{package} is banned: {}", banned.reason));
        }
        // Of ours and of another's repository cargo says where they lie.
        if package.contains("(http") || package.contains("(git") || package.contains("(ssh") {
            found.push(format!("{package} does not come from a registry"));
        }
        let licence = licence.trim_end_matches(" (*)");
        let allowed = |name: &str| rules.licenses.allow.iter().any(|allowed| allowed == name);
        match expression::holds(licence, &allowed) {
            Ok(true) => {}
            Ok(false) => found.push(format!("{package}: `{licence}` is not allowed")),
            Err(reason) => found.push(format!("{package}: `{licence}`: {reason}")),
        }
    }
    Ok(found)
}
