//! A database outside its data folder, with a link in that folder: its owner after the data folder has been
//! moved or copied, and the owner of its files.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use private_postgres::Account;

use crate::up::directory::Directory;
use crate::up::safe_path;

/// A file in the database's folder: the data folder that it belongs to.
const OWNER: &str = "data-folder";

/// The database at the target of `link`, and the folder of its sockets. A moved data folder keeps its
/// database; a copied one has none of its own.
pub(super) fn adopt(link: &Path, root: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let data = std::fs::read_link(link).with_context(|| format!("reading {}", link.display()))?;
    let data = root.join(data);
    // Root writes beside it.
    safe_path::refuse_unsafe(&data)?;
    let home = data.parent().unwrap_or(Path::new("/"));
    let owner = std::fs::read_to_string(home.join(OWNER)).unwrap_or_default();
    let owner = Path::new(owner.trim_end_matches('\n'));
    // An interrupted first run has recorded the owner without creating a database.
    if !data.is_dir() && owner != root {
        bail!(
            "the database of this folder is missing: {} leads to {}, which is not there",
            link.display(),
            data.display()
        );
    }
    let is_anothers = owner.is_absolute()
        && owner != root
        && std::fs::read_link(owner.join("postgres")).is_ok_and(|theirs| theirs == data);
    if is_anothers {
        bail!(
            "{root} is a copy, and its database is still that of {owner}, in {data}. Stop that system, then copy the \
             database as well: rm {link} && cp -a {data} {link}",
            root = root.display(),
            owner = owner.display(),
            data = data.display(),
            link = link.display(),
        );
    }
    note_owner(home, root)?;
    let sockets = home.join("socket");
    std::fs::create_dir_all(&sockets).with_context(|| format!("making {}", sockets.display()))?;
    Ok((data, sockets))
}

/// Records the data folder of this database.
pub(super) fn note_owner(home: &Path, root: &Path) -> anyhow::Result<()> {
    let file = home.join(OWNER);
    std::fs::write(&file, format!("{}\n", root.display()))
        .with_context(|| format!("writing {}", file.display()))
}

/// A folder copied by root belongs to root, and Postgres accepts only its own files.
pub(super) fn own_all(data: &Path, account: Account) -> anyhow::Result<()> {
    let Some(owner) = account.change_to() else {
        return Ok(());
    };
    let folder = Directory::open(data)?;
    if folder.uid()? == account.uid() {
        return Ok(());
    }
    folder.set_mode(0o700)?;
    folder.give(owner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A data folder with its database elsewhere.
    fn linked(parent: &Path, name: &str, data: &Path) -> PathBuf {
        let root = parent.join(name);
        std::fs::create_dir_all(&root).unwrap();
        std::os::unix::fs::symlink(data, root.join("postgres")).unwrap();
        root
    }

    #[test]
    fn a_moved_folder_takes_its_database_along_and_a_copy_does_not() {
        let parent = tempfile::tempdir().unwrap();
        let home = parent.path().join("home");
        let data = home.join("postgres");
        std::fs::create_dir_all(&data).unwrap();
        let first = linked(parent.path(), "first", &data);
        note_owner(&home, &first).unwrap();

        let copy = linked(parent.path(), "copy", &data);
        let refused = adopt(&copy.join("postgres"), &copy)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("is a copy"), "{refused}");

        std::fs::rename(&first, parent.path().join("moved")).unwrap();
        let moved = parent.path().join("moved");
        let (found, sockets) = adopt(&moved.join("postgres"), &moved).unwrap();
        assert_eq!(found, data);
        assert!(sockets.is_dir());
        // It belongs to that folder now.
        let refused = adopt(&copy.join("postgres"), &copy)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("moved"), "{refused}");
    }

    #[test]
    fn a_link_that_leads_nowhere_makes_no_new_database() {
        let parent = tempfile::tempdir().unwrap();
        let root = linked(parent.path(), "data", &parent.path().join("gone/postgres"));
        let refused = adopt(&root.join("postgres"), &root)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("missing"), "{refused}");
    }
}
