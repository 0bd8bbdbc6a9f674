//! SIGTERM and SIGINT end the process gracefully; a second signal ends it at once.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::{Error, Service};

/// Exit code after a second signal, as shells report a process ended by a signal.
const IMPATIENT: i32 = 130;

/// Ends the service on the first signal: it is not ready from then on, and shuts down after `delay`. Until
/// then its listeners stay open for clients of balancers that have not noticed yet.
pub(crate) fn watch(service: Service, delay: Duration) -> Result<(), Error> {
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
        service.not_ready();
        tokio::spawn(shut_down(service, name, delay));
        let name = next().await;
        tracing::warn!(signal = name, "ending without draining");
        std::process::exit(IMPATIENT);
    });
    Ok(())
}

async fn shut_down(service: Service, signal: &'static str, delay: Duration) {
    if !delay.is_zero() {
        let seconds = delay.as_secs();
        tracing::info!(
            signal,
            seconds,
            "not ready any more; draining after a delay"
        );
        tokio::time::sleep(delay).await;
    }
    tracing::info!(signal, "draining");
    service.shutdown.cancel();
}
