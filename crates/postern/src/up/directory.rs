//! A folder held open: changes apply to the entries that were checked, and no link is followed.
//!
//! For root, in folders that another user owns or has owned.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid};

/// Flags to open a folder: the system refuses links and other files.
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Flags to open a file, without waiting for a named pipe.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Maximum nesting of folders. Postgres has five.
const DEEPEST: usize = 16;

/// A user and a group.
pub(super) type Owner = (u32, u32);

const ROOT: Owner = (0, 0);

/// An open folder.
#[derive(Debug)]
pub(super) struct Directory {
    handle: OwnedFd,
    path: PathBuf,
}

impl Directory {
    /// # Errors
    /// If `path` is a link, or no folder.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let handle = rustix::fs::open(path, FOLDER, Mode::empty())
            .with_context(|| format!("opening the folder {}", path.display()))?;
        Ok(Self {
            handle,
            path: path.to_owned(),
        })
    }

    fn inner(&self, name: &CString) -> anyhow::Result<Self> {
        let path = self.path_of(name);
        let handle = rustix::fs::openat(&self.handle, name, FOLDER, Mode::empty())
            .with_context(|| format!("opening the folder {}", path.display()))?;
        Ok(Self { handle, path })
    }

    /// Its owner.
    pub(super) fn uid(&self) -> anyhow::Result<u32> {
        let found = rustix::fs::fstat(&self.handle)
            .with_context(|| format!("looking at {}", self.path.display()))?;
        Ok(found.st_uid)
    }

    /// Changes its owner to root: from then on nobody else changes its entries.
    pub(super) fn take(&self) -> anyhow::Result<()> {
        self.own(ROOT)
    }

    /// Changes the owner of the folder alone.
    pub(super) fn own(&self, owner: Owner) -> anyhow::Result<()> {
        let (uid, gid) = ids(owner);
        rustix::fs::fchown(&self.handle, uid, gid)
            .with_context(|| format!("changing the owner of {}", self.path.display()))
    }

    /// Sets its permissions.
    pub(super) fn set_mode(&self, mode: u32) -> anyhow::Result<()> {
        rustix::fs::fchmod(&self.handle, Mode::from_raw_mode(mode))
            .with_context(|| format!("setting the permissions of {}", self.path.display()))
    }

    /// Changes the owner of the folder and everything in it, except links and files with several hard
    /// links, which may belong to somebody else.
    pub(super) fn give(&self, owner: Owner) -> anyhow::Result<()> {
        self.give_within(owner, DEEPEST)
    }

    fn give_within(&self, owner: Owner, deepest: usize) -> anyhow::Result<()> {
        ensure!(
            deepest > 0,
            "{} is nested too deeply: nothing of ours is there. Remove it",
            self.path.display()
        );
        self.take()?;
        for name in self.names()? {
            let found = self.look(&name)?;
            match FileType::from_raw_mode(found.st_mode) {
                FileType::Directory => self.inner(&name)?.give_within(owner, deepest - 1)?,
                FileType::Symlink => {}
                _ if found.st_nlink > 1 => {}
                _ => self.give_file(&name, owner)?,
            }
        }
        self.own(owner)
    }

    fn give_file(&self, name: &CString, owner: Owner) -> anyhow::Result<()> {
        let (uid, gid) = ids(owner);
        rustix::fs::chownat(&self.handle, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
            .with_context(|| format!("changing the owner of {}", self.path_of(name).display()))
    }

    /// Lets a group read the folder and the files in it, but not the targets of links.
    pub(super) fn let_read(&self, gid: u32) -> anyhow::Result<()> {
        let gid = Gid::from_raw(gid);
        let error = || format!("letting the services' user read {}", self.path.display());
        open_to(&self.handle, gid).with_context(error)?;
        for name in self.names()? {
            let found = self.look(&name)?;
            if !may_read(&found, gid) && !FileType::from_raw_mode(found.st_mode).is_symlink() {
                let error = || {
                    format!(
                        "letting the services' user read {}",
                        self.path_of(&name).display()
                    )
                };
                let file = rustix::fs::openat(&self.handle, &name, FILE, Mode::empty())
                    .with_context(error)?;
                open_to(&file, gid).with_context(error)?;
            }
        }
        Ok(())
    }

    fn names(&self) -> anyhow::Result<Vec<CString>> {
        let error = || format!("reading {}", self.path.display());
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle).with_context(error)? {
            let name = entry.with_context(error)?.file_name().to_owned();
            if name.as_bytes() != b"." && name.as_bytes() != b".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn look(&self, name: &CString) -> anyhow::Result<Stat> {
        rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)
            .with_context(|| format!("looking at {}", self.path_of(name).display()))
    }

    fn path_of(&self, name: &CString) -> PathBuf {
        self.path.join(&*name.to_string_lossy())
    }
}

fn ids((uid, gid): Owner) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
}

/// The mode that lets a group read it.
fn reading(found: &Stat) -> u32 {
    match FileType::from_raw_mode(found.st_mode) {
        FileType::Directory => 0o050,
        _ => 0o040,
    }
}

fn may_read(found: &Stat, gid: Gid) -> bool {
    let reading = reading(found);
    found.st_gid == gid.as_raw() && found.st_mode & reading == reading
}

fn open_to(file: &OwnedFd, gid: Gid) -> std::io::Result<()> {
    let found = rustix::fs::fstat(file)?;
    if !may_read(&found, gid) {
        rustix::fs::fchown(file, None, Some(gid))?;
        let mode = (found.st_mode | reading(&found)) & 0o7777;
        rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
