//! What of `deny.toml` is kept here.

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
    /// The machines that are built for.
    pub(crate) fn targets(&self) -> &[String] {
        &self.graph.targets
    }

    /// Why a crate is banned, if it is.
    pub(crate) fn bans(&self, name: &str) -> Option<&str> {
        let banned = self.bans.deny.iter().find(|banned| banned.name == name);
        banned.map(|banned| banned.reason.as_str())
    }

    /// What of `packages` (see [`crate::builds::packages`]) is banned.
    pub(crate) fn banned(&self, packages: &str) -> Vec<String> {
        let found = lines(packages).into_iter().filter_map(|line| {
            let (package, _) = line.split_once('|')?;
            let reason = self.bans(name(line))?;
            Some(format!("{package} is banned: {reason}"))
        });
        found.collect()
    }

    /// Everything that is wrong with them.
    pub(crate) fn violations(&self, packages: &str) -> anyhow::Result<Vec<String>> {
        let mut found = self.banned(packages);
        for line in lines(packages) {
            let (package, licence) = line
                .split_once('|')
                .with_context(|| format!("cargo tree says `{line}`"))?;
            // Of ours and of another's repository cargo says where they lie.
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

/// Whether there is a package of this name among them.
pub(crate) fn holds(packages: &str, wanted: &str) -> bool {
    packages.lines().any(|line| name(line) == wanted)
}

/// Each package once.
fn lines(packages: &str) -> Vec<&str> {
    // What cargo has said already it marks, and leaves out what is below.
    let lines = packages.lines().map(|line| line.trim_end_matches(" (*)"));
    let mut lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

fn name(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}
