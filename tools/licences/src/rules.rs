//! The subset of `deny.toml` used here.

use anyhow::Context;
use serde::Deserialize;

use crate::expression;

#[derive(Debug, Deserialize)]
pub(crate) struct Rules {
    #[serde(default)]
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
}

#[derive(Debug, Default, Deserialize)]
struct Graph {
    #[serde(default)]
    targets: Vec<String>,
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

impl Rules {
    /// The target platforms.
    pub(crate) fn targets(&self) -> &[String] {
        &self.graph.targets
    }

    /// The reason of a ban, if a crate is banned.
    pub(crate) fn bans(&self, name: &str) -> Option<&str> {
        let banned = self.bans.deny.iter().find(|banned| banned.name == name);
        banned.map(|banned| banned.reason.as_str())
    }

    /// The banned ones among `packages` (see [`crate::builds::packages`]).
    pub(crate) fn banned(&self, packages: &str) -> Vec<String> {
        let found = lines(packages).into_iter().filter_map(|line| {
            let (package, _) = line.split_once('|')?;
            let reason = self.bans(name(line))?;
            Some(format!("{package} is banned: {reason}"))
        });
        found.collect()
    }

    /// All violations.
    pub(crate) fn violations(&self, packages: &str) -> anyhow::Result<Vec<String>> {
        let mut found = self.banned(packages);
        for line in lines(packages) {
            let (package, licence) = line
                .split_once('|')
                .with_context(|| format!("cargo tree says `{line}`"))?;
            // For our packages and for those of other repositories cargo prints the location.
            if package.contains("(http") || package.contains("(git") || package.contains("(ssh") {
                found.push(format!("{package} does not come from a registry"));
            }
            let allowed = |name: &str| self.licenses.allow.iter().any(|allowed| allowed == name);
            match expression::holds(licence, &allowed) {
                Ok(true) => {}
                Ok(false) => found.push(format!("{package}: `{licence}` is not allowed")),
                Err(reason) => found.push(format!("{package}: `{licence}`: {reason}")),
            }
        }
        Ok(found)
    }
}

/// Whether they contain a package with this name.
pub(crate) fn holds(packages: &str, wanted: &str) -> bool {
    packages.lines().any(|line| name(line) == wanted)
}

/// The packages without duplicates.
fn lines(packages: &str) -> Vec<&str> {
    // cargo marks repetitions, and omits their dependencies.
    let lines = packages.lines().map(|line| line.trim_end_matches(" (*)"));
    let mut lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

fn name(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}
