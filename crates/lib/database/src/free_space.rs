//! What the volume has free that Postgres keeps its data on, where that is on this machine.

use std::io;
use std::path::PathBuf;

use tokio::sync::oneshot;

/// What an ordinary user may still write on the volume of `path`, in octets.
pub async fn free_space(path: PathBuf) -> io::Result<u64> {
    let (answer, asked) = oneshot::channel();
    // A volume over the network may take its time. Not one of the runtime's threads for such work: asked
    // again and again, it would never end, and keep the memory of what else it has done.
    std::thread::Builder::new()
        .name("free-space".to_owned())
        .spawn(move || {
            // Nobody may be waiting any more.
            let _ = answer.send(rustix::fs::statvfs(&path));
        })?;
    let volume = asked.await.map_err(io::Error::other)??;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}
