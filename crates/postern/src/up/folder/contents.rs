//! What stands in a data folder already: whether it is one, and whether root may work in it.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use private_postgres::Account;

use crate::up::safe_path::{self, is_root, is_roots, look, user};

/// Root's own: what it makes, reads and overwrites there.
const ROOTS: [&str; 4] = ["lock", "log", "postern.toml", "tls"];

/// Given to the services' user, and so perhaps that user's already.
const SERVICES: [&str; 4] = ["postgres", "postgres-socket", "run", "secrets"];

/// Of these, a link is followed that root has made.
const LINKS: [&str; 2] = ["postern.toml", "postgres"];

/// The folder is closed to others and filled: not one that holds something else.
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
        // The root of a file system of its own has this.
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

/// Fails, for root, if anybody but root and the services may have put a link or a file in the place of something
/// that root changes here. Where all of the folder's parents are root's, nobody can do so later.
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

/// `service`: the user to whom it may belong, beside root.
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
    // What is the services' is closed, and holds nothing that root opens by its name.
    if service.is_none() && found.is_dir() {
        safe_path::refuse_open_to_others(&path, &found)?;
    }
    Ok(())
}
