//! SIGTERM and SIGINT begin the shutdown; a second one ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::Error;

/// Exit code after a second signal, as shells report a process that a signal ended.
const IMPATIENT: i32 = 130;

/// Cancels `shutdown` on the first signal.
pub(crate) fn watch(shutdown: CancellationToken) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::Config(format!("signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let name = next().await;
        tracing::info!(signal = name, "draining");
        shutdown.cancel();
        let name = next().await;
        tracing::warn!(signal = name, "ending without draining");
        std::process::exit(IMPATIENT);
    });
    Ok(())
}
