//! The parts of the data folder for services that drop root's rights.
//!
//! `run/` and `secrets/` are given to their user. `tls/` stays root's and readable for them, with files
//! added later, since a replaced certificate is reloaded.

use std::time::Duration;

use private_postgres::Account;
use tokio_util::sync::CancellationToken;

use super::directory::Directory;
use super::folder::Folder;

/// Interval of checks of `tls/`: shorter than that of the services.
const PERIOD: Duration = Duration::from_secs(10);

/// Gives the services their folders before they start.
pub(super) fn give(folder: &Folder) -> anyhow::Result<()> {
    let Some(owner) = Account::unprivileged()?.change_to() else {
        return Ok(());
    };
    for own in [folder.runtime(), &folder.secrets()] {
        Directory::open(own)?.give(owner)?;
    }
    Directory::open(&folder.tls())?.let_read(owner.1)
}

/// Keeps files in `tls/` readable for the services.
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
        // Failures are retried, and a service that cannot read a file logs it.
        let look = move || Directory::open(&tls)?.let_read(gid);
        let _looked = tokio::task::spawn_blocking(look).await;
    }
}
