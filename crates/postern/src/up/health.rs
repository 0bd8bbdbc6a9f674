//! Awaiting a service's health.

use std::time::Duration;

use anyhow::bail;
use service_kit::Endpoint;
use tokio::sync::watch;

use super::child::Program;

/// First runs migrate, and a loaded machine starts slowly.
const LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);
/// A service that dies this often before it first served will not come up by itself.
const HOPELESS: u32 = 4;

/// Returns when the service says that it serves; fails when it keeps dying or takes too long.
pub(super) async fn wait(
    program: &Program,
    endpoint: &Endpoint,
    mut deaths: watch::Receiver<u32>,
) -> anyhow::Result<()> {
    tokio::select! {
        () = serving(endpoint) => Ok(()),
        _ = deaths.wait_for(|&deaths| deaths >= HOPELESS) => {
            bail!("{} does not start. {} ends with:\n{}", program.name, program.log.display(), program.end_of_log())
        }
        () = tokio::time::sleep(LIMIT) => {
            bail!(
                "{} was not ready within {} s. {} ends with:\n{}",
                program.name, LIMIT.as_secs(), program.log.display(), program.end_of_log()
            )
        }
    }
}

async fn serving(endpoint: &Endpoint) {
    while service_kit::health::check(endpoint, None).await.is_err() {
        tokio::time::sleep(POLL).await;
    }
}
