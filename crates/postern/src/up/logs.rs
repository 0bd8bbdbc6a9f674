//! Keeps the logs of the services and of the private Postgres within limits.
//!
//! The processes append to their files and are not involved: a large log is copied to `NAME.log.1` and
//! emptied. Lines written in between are lost: one or two, once in so many mebibytes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Size in octets above which a log is rotated.
const LARGEST: u64 = 32 << 20;

/// Interval of checks. No process logs fast enough to matter.
const PERIOD: Duration = Duration::from_secs(10);

/// Rotates these logs until `stop`.
pub(super) async fn look_after(logs: Vec<PathBuf>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        let logs = logs.clone();
        // Failures are retried; they could only be reported to these logs.
        let _looked = tokio::task::spawn_blocking(move || {
            logs.iter().for_each(|log| {
                let _full = put_away(log, LARGEST);
            });
        })
        .await;
    }
}

/// Rotates the log, if it is larger than `largest`.
fn put_away(log: &Path, largest: u64) -> io::Result<()> {
    if std::fs::metadata(log)?.len() <= largest {
        return Ok(());
    }
    let mut from = File::options().read(true).write(true).open(log)?;
    let mut into = File::create(log.with_extension("log.1"))?;
    // The second copy is for lines written meanwhile.
    io::copy(&mut from, &mut into)?;
    io::copy(&mut from, &mut into)?;
    from.set_len(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_large_log_is_put_away_and_its_process_goes_on_writing_to_the_front() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.log");
        let mut process = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .unwrap();
        process.write_all(b"first\n").unwrap();
        put_away(&path, 6).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"first\n");

        process.write_all(b"second\n").unwrap();
        put_away(&path, 6).unwrap();
        process.write_all(b"third\n").unwrap();
        let old = folder.path().join("queue.log.1");
        assert_eq!(std::fs::read(old).unwrap(), b"first\nsecond\n");
        assert_eq!(std::fs::read(&path).unwrap(), b"third\n");
    }
}
