//! Free space of the volume with Postgres's data, if it is on this machine.

use std::io;
use std::path::PathBuf;

use tokio::sync::oneshot;

/// The octets that an unprivileged user may still write on the volume of `path`.
pub async fn free_space(path: PathBuf) -> io::Result<u64> {
    let (answer, asked) = oneshot::channel();
    // A network volume may be slow. A thread of its own: a blocking thread of the runtime, called
    // regularly, would never end and would keep the memory of its earlier work.
    std::thread::Builder::new()
        .name("free-space".to_owned())
        .spawn(move || {
            // The caller may have given up.
            let _ = answer.send(rustix::fs::statvfs(&path));
        })?;
    let volume = asked.await.map_err(io::Error::other)??;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}
