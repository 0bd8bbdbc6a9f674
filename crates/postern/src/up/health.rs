//! Waits for a service's health.

use std::time::Duration;

use anyhow::bail;
use service_kit::Endpoint;
use service_kit::health::Health;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::child::Program;
use super::screen::Screen;

/// Time limit without any answer: first runs migrate, and a loaded machine starts slowly.
const LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);
/// Time after which the terminal shows what a service waits for.
const REPORT_AFTER: Duration = Duration::from_secs(3);
/// A service that ends this often before it first served will not start by itself.
const HOPELESS: u32 = 4;

/// Returns when the service is ready. Fails if it keeps ending, or does not answer for too long. A service
/// that reports a missing dependency, such as its database, is waited for without a limit: a restart would
/// not help.
pub(super) async fn wait(
    program: &Program,
    endpoint: &Endpoint,
    mut deaths: watch::Receiver<u32>,
    screen: &Screen,
) -> anyhow::Result<()> {
    let fault = tokio::select! {
        answered = ready(program, endpoint, screen) => match answered {
            true => return Ok(()),
            false => format!("did not answer for {} s", LIMIT.as_secs()),
        },
        _ = deaths.wait_for(|&deaths| deaths >= HOPELESS) => "does not start".to_owned(),
    };
    let (name, log) = (program.name, program.log.display());
    bail!("{name} {fault}. {log} ends with:\n{}", program.end_of_log())
}

/// Waits until the service is ready; false if it has not answered for too long.
async fn ready(program: &Program, endpoint: &Endpoint, screen: &Screen) -> bool {
    let began = Instant::now();
    let mut heard = began;
    let mut told = String::new();
    while heard.elapsed() < LIMIT {
        match service_kit::health::ask(endpoint, None).await {
            Ok(Health::Ready) => return true,
            Ok(Health::NotReady(why)) => {
                heard = Instant::now();
                if began.elapsed() >= REPORT_AFTER && told != why {
                    screen.progress(program.name, &format!("not ready: {why}"));
                    told = why;
                }
            }
            // It does not listen yet.
            Err(_) => {}
        }
        sleep(POLL).await;
    }
    false
}
