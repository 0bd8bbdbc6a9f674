//! Awaiting a service's health.

use std::time::Duration;

use anyhow::bail;
use service_kit::Endpoint;
use service_kit::health::Health;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::child::Program;
use super::screen::Screen;

/// How long a service may give no answer at all: first runs migrate, and a loaded machine starts slowly.
const LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);
/// How long a service may wait for something until the person at the terminal is told for what.
const PATIENCE: Duration = Duration::from_secs(3);
/// A service that dies this often before it first served will not come up by itself.
const HOPELESS: u32 = 4;

/// Returns when the service is ready. Fails when it keeps dying, or answers nothing for too long. One that
/// says that it waits for something else, such as its database, is waited for as long as it does: that is
/// not its fault, and nothing would be better after another start.
pub(super) async fn wait(
    program: &Program,
    endpoint: &Endpoint,
    mut deaths: watch::Receiver<u32>,
    screen: &Screen,
) -> anyhow::Result<()> {
    let fault = tokio::select! {
        answered = ready(program, endpoint, screen) => match answered {
            true => return Ok(()),
            false => format!("gave no answer for {} s", LIMIT.as_secs()),
        },
        _ = deaths.wait_for(|&deaths| deaths >= HOPELESS) => "does not start".to_owned(),
    };
    let (name, log) = (program.name, program.log.display());
    bail!("{name} {fault}. {log} ends with:\n{}", program.end_of_log())
}

/// Waits until the service is ready; false when it has not answered for too long.
async fn ready(program: &Program, endpoint: &Endpoint, screen: &Screen) -> bool {
    let began = Instant::now();
    let mut heard = began;
    let mut told = String::new();
    while heard.elapsed() < LIMIT {
        match service_kit::health::ask(endpoint, None).await {
            Ok(Health::Ready) => return true,
            Ok(Health::NotReady(why)) => {
                heard = Instant::now();
                if began.elapsed() >= PATIENCE && told != why {
                    screen.progress(program.name, &format!("not ready: {why}"));
                    told = why;
                }
            }
            // It has not begun to listen yet.
            Err(_) => {}
        }
        sleep(POLL).await;
    }
    false
}
