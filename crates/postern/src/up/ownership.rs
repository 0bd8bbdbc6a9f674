//! Started by root, the services give up its rights: what of the data folder is theirs to read and to
//! write.
//!
//! `run/` and `secrets/` become theirs. `tls/` stays root's, and they may read it: what is put there
//! later, too, since a certificate that is replaced is read again.

use std::time::Duration;

use private_postgres::Account;
use tokio_util::sync::CancellationToken;

use super::directory::Directory;
use super::folder::Folder;

/// Between two looks at `tls/`: more often than the services look there themselves.
const PERIOD: Duration = Duration::from_secs(10);

/// Gives the services what is theirs, before they start.
pub(super) fn give(folder: &Folder) -> anyhow::Result<()> {
    let Some(owner) = Account::unprivileged()?.change_to() else {
        return Ok(());
    };
    for own in [folder.runtime(), &folder.secrets()] {
        Directory::open(own)?.give(owner)?;
    }
    Directory::open(&folder.tls())?.let_read(owner.1)
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
        let look = move || Directory::open(&tls)?.let_read(gid);
        let _looked = tokio::task::spawn_blocking(look).await;
    }
}
