//! Finds the Postgres programs of this machine.

use std::path::{Path, PathBuf};

use crate::Error;

/// The folder of Postgres's server programs. Debian keeps them outside PATH, in one folder for each
/// version.
#[derive(Clone, Debug)]
pub struct Installation {
    bin: PathBuf,
}

impl Installation {
    /// Finds the programs: first `POSTERN_POSTGRES_BIN`, then PATH, then Debian's newest version.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] if there are none.
    pub fn find() -> Result<Self, Error> {
        let named = std::env::var_os("POSTERN_POSTGRES_BIN").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        named
            .into_iter()
            .chain(std::env::split_paths(&path))
            .chain(debian_versions(Path::new("/usr/lib/postgresql")))
            .find_map(|bin| holding_all(&bin))
            .map(|bin| Self { bin })
            .ok_or(Error::NotInstalled)
    }

    /// The full path of one program.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// The real folder of `bin/initdb`, if it contains every needed program: PATH may contain links to some.
fn holding_all(bin: &Path) -> Option<PathBuf> {
    let real = bin.join("initdb").canonicalize().ok()?.parent()?.to_owned();
    ["initdb", "postgres", "psql"]
        .iter()
        .all(|program| real.join(program).is_file())
        .then_some(real)
}

/// `ROOT/15/bin`, `ROOT/16/bin`, … newest first.
fn debian_versions(root: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, bin)| bin).collect()
}
