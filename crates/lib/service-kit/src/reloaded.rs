//! Values read from files, and again when the files change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use crate::Error;

/// Interval between checks of the files.
const INTERVAL: Duration = Duration::from_secs(30);

/// The time of each file's last change.
type Stamp = Vec<Option<SystemTime>>;

type Read<T> = Box<dyn Fn() -> Result<T, Error> + Send + Sync>;

/// A value read from files.
pub struct Reloaded<T> {
    /// For the log: "certificate", …
    what: &'static str,
    files: Vec<PathBuf>,
    read: Read<T>,
    current: ArcSwap<T>,
    changed: ArcSwap<Stamp>,
}

impl<T: Send + Sync + 'static> Reloaded<T> {
    /// Reads for the first time, and again whenever a file changes, until `shutdown`.
    pub fn start(
        what: &'static str,
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<T, Error> + Send + Sync + 'static,
        shutdown: CancellationToken,
    ) -> Result<Arc<Self>, Error> {
        let reloaded = Arc::new(Self::new(what, files, read)?);
        let watched = Arc::clone(&reloaded);
        tokio::spawn(shutdown.run_until_cancelled_owned(async move { watched.watch().await }));
        Ok(reloaded)
    }

    pub(crate) fn new(
        what: &'static str,
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let stamp = stamp(&files);
        Ok(Self {
            what,
            files,
            current: ArcSwap::from_pointee(read()?),
            changed: ArcSwap::from_pointee(stamp),
            read: Box::new(read),
        })
    }

    /// The value read last.
    pub fn current(&self) -> Arc<T> {
        self.current.load_full()
    }

    async fn watch(&self) {
        let mut timer = tokio::time::interval(INTERVAL);
        loop {
            timer.tick().await;
            self.reload_if_changed();
        }
    }

    /// An unusable new value is ignored: the present one stays. True if it was replaced.
    pub(crate) fn reload_if_changed(&self) -> bool {
        let stamp = stamp(&self.files);
        if **self.changed.load() == stamp {
            return false;
        }
        self.changed.store(Arc::new(stamp));
        let what = self.what;
        match (self.read)() {
            Ok(value) => {
                tracing::info!("{what} reloaded");
                self.current.store(Arc::new(value));
                true
            }
            Err(error) => {
                tracing::error!(%error, "the changed {what} cannot be used; the old one stays");
                false
            }
        }
    }
}

impl<T> std::fmt::Debug for Reloaded<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloaded")
            .field("what", &self.what)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

fn stamp(files: &[PathBuf]) -> Stamp {
    let changed = |path: &PathBuf| {
        std::fs::metadata(path)
            .and_then(|data| data.modified())
            .ok()
    };
    files.iter().map(changed).collect()
}
