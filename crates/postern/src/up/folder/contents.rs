//! The existing contents of a data folder: whether it is one, and whether root may use it.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use private_postgres::Account;

use crate::up::safe_path::{self, is_root, is_roots, look, user};

/// Entries that root creates, reads and overwrites.
const ROOTS: [&str; 4] = ["lock", "log", "postern.toml", "tls"];

/// Entries given to the services' user, who may already own them.
const SERVICES: [&str; 4] = ["postgres", "postgres-socket", "run", "secrets"];

/// Entries that may be links created by root.
const LINKS: [&str; 2] = ["postern.toml", "postgres"];

/// Fails if the folder is neither empty nor a data folder.
pub(super) fn refuse_somebody_elses(root: &Path) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(root).with_context(|| format!("reading {}", root.display()))?;
    let mut anything = false;
    for entry in entries {
        let name = entry
            .with_context(|| format!("reading {}", root.display()))?
            .file_name();
        if name == "postern.toml" || name == "lock" {
            return Ok(());
        }
        // The root of a separate file system contains this.
        anything |= name != "lost+found";
    }
    if anything {
        bail!(
            "{} is not empty, and no system of ours is in it; name a new or an empty folder with --data",
            root.display()
        );
    }
    Ok(())
}

/// Fails, for root, if anybody but root and the services may have placed a link or a file where root
/// changes something. If all parents of the folder belong to root, nobody can do so later.
pub(super) fn refuse_planted(root: &Path) -> anyhow::Result<()> {
    if !is_root() {
        return Ok(());
    }
    let service = Account::unprivileged()?.uid();
    for name in ROOTS {
        refuse_entry(root, name, None)?;
    }
    for name in SERVICES {
        refuse_entry(root, name, Some(service))?;
    }
    Ok(())
}

/// `service`: a permitted owner besides root.
fn refuse_entry(root: &Path, name: &str, service: Option<u32>) -> anyhow::Result<()> {
    let path = root.join(name);
    let Some(found) = look(&path)? else {
        return Ok(());
    };
    let is_link = found.is_symlink();
    ensure!(
        !is_link || LINKS.contains(&name),
        "{path} is a link, and root changes nothing behind a link. Put what it leads to in its place: rm {path}",
        path = path.display()
    );
    if !is_roots(found.uid()) && (is_link || service != Some(found.uid())) {
        bail!(
            "{path} belongs to {user}, who may have put links there to make root change other files. Look through it \
             for links, then give it to root (what the services need is given to their user): chown -hR root: {path}",
            path = path.display(),
            user = user(found.uid()),
        );
    }
    // Folders of the services are closed to others, and root opens nothing in them by name.
    if service.is_none() && found.is_dir() {
        safe_path::refuse_open_to_others(&path, &found)?;
    }
    Ok(())
}
