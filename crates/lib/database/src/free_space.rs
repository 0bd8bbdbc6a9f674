//! What the volume has free that Postgres keeps its data on, where that is on this machine.

use std::io;
use std::path::PathBuf;

/// What an ordinary user may still write on the volume of `path`, in octets.
pub async fn free_space(path: PathBuf) -> io::Result<u64> {
    // A volume over the network may take its time.
    let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&path)).await;
    let volume = asked.map_err(io::Error::other)??;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}
