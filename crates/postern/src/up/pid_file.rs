//! Process id files of services. They are in `run/`, which is writable for the services if root has started
//! them: only files created by this program are trusted and overwritten.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use rustix::fs::OFlags;

/// Maximum length of a process id file.
const LONGEST: u64 = 32;

/// Writes a process id. An existing entry is replaced, not followed.
pub(super) fn write(file: &Path, pid: u32) -> anyhow::Result<()> {
    let write = || {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut noted = File::options().write(true).create_new(true).open(file)?;
        write!(noted, "{pid}")
    };
    write().with_context(|| format!("writing {}", file.display()))
}

/// The process id in a file of ours.
pub(super) fn read(file: &Path) -> Option<i32> {
    // Links are not followed, and named pipes not waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).ok()?;
    let opened = File::options()
        .read(true)
        .custom_flags(flags)
        .open(file)
        .ok()?;
    let found = opened.metadata().ok()?;
    if !found.is_file() || found.uid() != rustix::process::geteuid().as_raw() {
        return None;
    }
    let mut text = String::new();
    opened.take(LONGEST).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_link_in_the_place_of_the_file_is_replaced_and_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let (foreign, file) = (
            folder.path().join("foreign"),
            folder.path().join("queue.pid"),
        );
        std::fs::write(&foreign, "1").unwrap();
        std::os::unix::fs::symlink(&foreign, &file).unwrap();
        assert_eq!(read(&file), None);
        write(&file, 4_711).unwrap();
        assert_eq!(read(&file), Some(4_711));
        assert_eq!(std::fs::read(&foreign).unwrap(), b"1");
        write(&file, 4_712).unwrap();
        assert_eq!(read(&file), Some(4_712));
    }

    #[test]
    fn what_somebody_else_has_put_there_is_not_believed() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: not root");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("queue.pid");
        std::fs::write(&file, "1").unwrap();
        assert_eq!(read(&file), Some(1));
        std::os::unix::fs::chown(&file, Some(54_321), None).unwrap();
        assert_eq!(read(&file), None);
    }
}
