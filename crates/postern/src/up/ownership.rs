//! Started by root, the services give up its rights: what of the data folder is theirs to read and to
//! write.
//!
//! `run/` and `secrets/` become theirs. `tls/` stays root's, and they may read it: what is put there
//! later, too, since a certificate that is replaced is read again.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use private_postgres::Account;
use tokio_util::sync::CancellationToken;

use super::folder::Folder;

/// Between two looks at `tls/`: more often than the services look there themselves.
const PERIOD: Duration = Duration::from_secs(10);

/// Gives the services what is theirs. Before they start: nobody else changes these folders then.
pub(super) fn give(folder: &Folder) -> anyhow::Result<()> {
    let account = Account::unprivileged()?;
    let Some((uid, gid)) = account.change_to() else {
        return Ok(());
    };
    for own in [folder.runtime(), &folder.secrets()] {
        for_each(own, &|path| {
            // A hard link may be a file of somebody else's.
            let found = path.symlink_metadata()?;
            if found.is_dir() || found.nlink() == 1 {
                lchown(path, Some(uid), Some(gid))?;
            }
            Ok(())
        })?;
    }
    let_read(&folder.tls(), gid)
}

/// Lets the services read what is put into `tls/` while they run.
pub(super) async fn keep_readable(tls: std::path::PathBuf, stop: CancellationToken) {
    let Ok(Some((_, gid))) = Account::unprivileged().map(|account| account.change_to()) else {
        return;
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        let tls = tls.clone();
        // What fails now is tried again, and the service that cannot read it says so in its log.
        let _looked = tokio::task::spawn_blocking(move || let_read(&tls, gid)).await;
    }
}

/// The folder is root's: nobody else can put a link there.
fn let_read(tls: &Path, gid: u32) -> anyhow::Result<()> {
    for_each(tls, &|path| {
        let found = path.symlink_metadata()?;
        let reads = if found.is_dir() { 0o050 } else { 0o040 };
        let theirs = found.gid() == gid && found.mode() & reads == reads;
        if theirs || found.is_symlink() {
            return Ok(());
        }
        lchown(path, None, Some(gid))?;
        std::fs::set_permissions(
            path,
            Permissions::from_mode((found.mode() | reads) & 0o7777),
        )
    })
}

/// The folder itself, and what is in it.
fn for_each(folder: &Path, work: &dyn Fn(&Path) -> std::io::Result<()>) -> anyhow::Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let entries = entries.map(|entry| entry.map(|entry| entry.path()));
    for path in std::iter::once(Ok(folder.to_owned())).chain(entries) {
        let path = path.with_context(|| format!("reading {}", folder.display()))?;
        work(&path).with_context(|| format!("giving {} to the services' user", path.display()))?;
    }
    Ok(())
}
