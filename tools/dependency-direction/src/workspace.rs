//! Our own crates, from `cargo metadata`.

use serde::Deserialize;

/// One of our crates.
#[derive(Debug, Deserialize)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Its `Cargo.toml`: the path tells the kind of crate.
    pub(crate) manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
    #[serde(default)]
    targets: Vec<Target>,
}

/// A build target.
#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    /// Its root file.
    src_path: String,
}

/// A dependency in its `Cargo.toml`.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None`, `dev` or `build`.
    pub(crate) kind: Option<String>,
}

impl Crate {
    /// The root files of all targets except tests.
    pub(crate) fn production_roots(&self) -> impl Iterator<Item = &str> {
        let production = |target: &&Target| {
            let mut kinds = target.kind.iter();
            kinds.any(|kind| kind == "bin" || kind.ends_with("lib") || kind == "proc-macro")
        };
        let targets = self.targets.iter().filter(production);
        targets.map(|target| target.src_path.as_str())
    }

    pub(crate) fn is_service(&self) -> bool {
        self.manifest_path.contains("/crates/services/")
    }

    pub(crate) fn is_library(&self) -> bool {
        self.manifest_path.contains("/crates/lib/")
    }
}

impl Dependency {
    pub(crate) fn is_for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

pub(crate) fn parse(metadata: &[u8]) -> serde_json::Result<Vec<Crate>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Crate>,
    }
    Ok(serde_json::from_slice::<Metadata>(metadata)?.packages)
}
