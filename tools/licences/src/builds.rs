//! The built packages, from cargo, and those only listed: `Cargo.lock` also contains optional dependencies
//! of others that no feature enables.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

/// Lines of `name version [(where)]|licence` for all packages in any build of the workspace in `folder`,
/// for one of `targets`, with all features.
pub(crate) fn packages(folder: &Path, targets: &[String]) -> anyhow::Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(folder)
        .args(["tree", "--workspace", "--locked", "--all-features"])
        .args(["--edges", "normal,build,dev", "--prefix", "none"])
        .args(["--format", "{p}|{l}"]);
    for target in targets {
        command.args(["--target", target]);
    }
    let output = command.output().context("running cargo tree")?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("cargo tree in {}: {errors}", folder.display());
    }
    String::from_utf8(output.stdout).context("what cargo tree says")
}

/// An entry of `Cargo.lock`.
#[derive(Debug, Deserialize)]
pub(crate) struct Locked {
    pub(crate) name: String,
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

/// The packages in a `Cargo.lock`.
pub(crate) fn locked(lock: &str) -> anyhow::Result<Vec<Locked>> {
    Ok(toml::from_str::<Lock>(lock).context("Cargo.lock")?.package)
}

/// The packages that depend on `package`.
pub(crate) fn named_by<'a>(lock: &'a [Locked], package: &str) -> Vec<&'a str> {
    let names = |one: &&Locked| {
        let mut dependencies = one.dependencies.iter();
        // `name`, or `name version` if there are several.
        dependencies.any(|dependency| dependency.split(' ').next() == Some(package))
    };
    lock.iter()
        .filter(names)
        .map(|one| one.name.as_str())
        .collect()
}

/// The workspaces below `folder`, itself first: fuzz crates have their own.
pub(crate) fn workspaces(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = vec![folder.to_owned()];
    for crates in std::fs::read_dir(folder.join("crates/lib")).context("crates/lib")? {
        let fuzz = crates?.path().join("fuzz");
        if fuzz.join("Cargo.lock").exists() {
            found.push(fuzz);
        }
    }
    found[1..].sort();
    Ok(found)
}
