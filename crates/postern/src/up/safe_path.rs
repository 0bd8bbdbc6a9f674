//! Paths that are safe for root: nobody else can change their targets.
//!
//! `up` creates files, overwrites them and changes their owners by path. Whoever may write to a folder on
//! the path can place a link there, and root would change the target of the link. So each folder on the
//! path must belong to root and be writable only by root. A shared folder with the sticky bit, such as
//! `/tmp`, may be above one of root's, which nobody else can replace. The last folder may belong to the
//! services' user; its owner is changed to root before it is used. A `postern up` not started by root
//! checks nothing: it has no rights to abuse.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use private_postgres::Account;

/// Write permission of the group and of all others.
const OTHERS_WRITE: u32 = 0o022;

/// Only the owner of an entry, or of the folder, may rename or remove the entry.
const STICKY: u32 = 0o1000;

/// Links that a path may lead through, as the kernel allows.
const MOST_LINKS: usize = 40;

/// The remedy: another place for the folder.
const CURE: &str = "name a folder that only root can change with --data (such as /var/lib/postern)";

/// Whether this process has root's rights.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Fails if somebody else than root may change the target of `folder`. It need not exist.
pub(super) fn refuse_unsafe(folder: &Path) -> anyhow::Result<()> {
    if !is_root() {
        return Ok(());
    }
    let service = Account::unprivileged()?.uid();
    Walk { folder, service }.whole()
}

/// Creates the missing parts of `folder`. Returns its path without links.
pub(super) fn make(folder: &Path) -> anyhow::Result<PathBuf> {
    refuse_unsafe(folder)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)
        .with_context(|| format!("making {}", folder.display()))?;
    // In a shared folder somebody else may have created it first.
    refuse_unsafe(folder)?;
    folder
        .canonicalize()
        .with_context(|| format!("finding {}", folder.display()))
}

/// Whether files of this user are as safe as root's own. In a user namespace (user_namespaces(7)) root has
/// no rights over files of users outside it.
pub(super) fn is_roots(uid: u32) -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    uid == 0 || is_outside(uid, &map)
}

/// Whether no user of this namespace has that id. `map`: `INSIDE OUTSIDE COUNT` a line.
fn is_outside(uid: u32, map: &str) -> bool {
    let mut ranges = map.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        let (first, _, count) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let first = first.ok()?;
        Some(first..first + count.ok()?)
    });
    !map.is_empty() && !ranges.any(|range| range.contains(&u64::from(uid)))
}

/// A user's name for the administrator.
pub(super) fn user(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    match name {
        Some(name) => format!("the user {name}"),
        None => format!("the user with the id {uid}"),
    }
}

/// The metadata of `path` without following a link; none if it does not exist.
pub(super) fn look(path: &Path) -> anyhow::Result<Option<Metadata>> {
    match path.symlink_metadata() {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("looking at {}", path.display())),
    }
}

/// The resolution of a path, step by step, as the kernel does it.
struct Walk<'a> {
    folder: &'a Path,
    /// The id of the services' user.
    service: u32,
}

impl Walk<'_> {
    fn whole(&self) -> anyhow::Result<()> {
        let whole = std::path::absolute(self.folder)
            .with_context(|| format!("finding {}", self.folder.display()))?;
        let mut here = PathBuf::from("/");
        let mut rest: VecDeque<OsString> = names(&whole).collect();
        let mut links = 0;
        self.pass(&here)?;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                here.pop();
                continue;
            }
            let next = here.join(name);
            let Some(found) = look(&next)? else {
                return Ok(());
            };
            if !found.is_symlink() {
                here = next;
                if !rest.is_empty() {
                    self.pass(&here)?;
                }
                continue;
            }
            links += 1;
            ensure!(
                links <= MOST_LINKS,
                "{} leads through too many links",
                self.folder.display()
            );
            let target = self.through(&next, &found, rest.is_empty())?;
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            let on_the_way: Vec<OsString> = names(&target).collect();
            for name in on_the_way.into_iter().rev() {
                rest.push_front(name);
            }
        }
        self.arrive(&here)
    }

    /// The target of a link on the path.
    fn through(&self, link: &Path, found: &Metadata, is_last: bool) -> anyhow::Result<PathBuf> {
        let target =
            std::fs::read_link(link).with_context(|| format!("reading {}", link.display()))?;
        ensure!(
            !is_last,
            "{} is a link to {}: root keeps no data behind a link. Name the folder itself",
            link.display(),
            target.display()
        );
        self.refuse_owner(link, found.uid())?;
        Ok(target)
    }

    /// Checks a folder above the last.
    fn pass(&self, above: &Path) -> anyhow::Result<()> {
        let Some(found) = look(above)? else {
            return Ok(());
        };
        self.refuse_owner(above, found.uid())?;
        if found.mode() & STICKY == 0 {
            refuse_open_to_others(above, &found)?;
        }
        Ok(())
    }

    /// Checks the last folder.
    fn arrive(&self, last: &Path) -> anyhow::Result<()> {
        let Some(found) = look(last)? else {
            return Ok(());
        };
        if found.uid() != self.service && !is_roots(found.uid()) {
            bail!(
                "root cannot keep data in {last}: it belongs to {user}, who can put links there and so make root \
                 change other files. Start this as that user, {CURE}, or look through the folder for links and give \
                 all of it to root: chown -R root: {last}",
                last = last.display(),
                user = user(found.uid()),
            );
        }
        refuse_open_to_others(last, &found)
    }

    fn refuse_owner(&self, above: &Path, uid: u32) -> anyhow::Result<()> {
        if is_roots(uid) {
            return Ok(());
        }
        bail!(
            "root cannot keep data in {folder}: {above} belongs to {user}, who can put links there and so make root \
             change other files. Start this as that user, {CURE}, or give {above} to root: chown root: {above}",
            folder = self.folder.display(),
            above = above.display(),
            user = user(uid),
        )
    }
}

/// Fails if the group or others may write to the folder.
pub(super) fn refuse_open_to_others(folder: &Path, found: &Metadata) -> anyhow::Result<()> {
    ensure!(
        found.mode() & OTHERS_WRITE == 0,
        "root cannot keep data in {folder}: others may write there (mode {mode:o}), so they can put links there and \
         make root change other files. Look through it for links and close it (chmod go-w {folder}), or {CURE}",
        folder = folder.display(),
        mode = found.mode() & 0o7777,
    );
    Ok(())
}

/// The components of a path.
fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|step| match step {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests;
