//! The collector: polls the policy's `[[collect]]` accounts and hands what it finds to the queue,
//! like any other component.
//!
//! It keeps no state. What was collected is in the queue's ledger, committed with the message
//! itself, before the remote copy is deleted (I10). All times are by the queue's clock. It may not delete what it has not seen to be
//! committed, nor what no mailbox gets, and it may not take a UIDL's word for a message's content.
//!
//! ```text
//! accounts ──one task each──▶ account: claim, poll, report, wait
//!                                └─ poll ─▶ remote (POP3)
//!                                     ├─ names:       UIDLs, and what stands for them
//!                                     ├─ identity:    what a message is, whatever its UIDL
//!                                     ├─ collect:     RETR ─▶ Enqueue
//!                                     ├─ memory:      what need not be looked at twice
//!                                     └─ uncollected: what was not collected, and why
//! ```

mod account;
mod accounts;
mod config;
mod identity;
mod memory;
mod poll;
mod remote;
mod services;
mod uncollected;

use std::sync::Arc;

use anyhow::Context as _;
use api::free_space::FreeSpace;
use api::policy_watch::PolicyWatch;
use service_kit::Service;
use session_io::ClientTls;

pub use config::Config;

/// Collects until the process is told to shut down, then ends the polls that are under way.
pub async fn run(config: Config, service: Service) -> anyhow::Result<()> {
    let tls = match &config.authorities {
        None => ClientTls::verified(),
        Some(file) => {
            let pem = std::fs::read(file).with_context(|| file.display().to_string())?;
            ClientTls::verified_by(&pem)
        }
    }
    .context("TLS")?;
    let queue = service.queue_channel()?;
    let policy = PolicyWatch::start(queue.clone());
    let services = services::Services::new(
        queue.clone(),
        service.mailbox_store_channel()?,
        service.machine(),
        service.hostname.clone(),
        config,
        tls,
        FreeSpace::start(queue, policy.clone(), service.shutdown.clone()),
    );
    services.enqueuer.stay_open(service.shutdown.clone());
    service.needs_queue("nothing is collected")?;
    service.needs_mailbox_store("nothing is collected")?;
    let has_policy = service.needs("policy", "nothing is collected");
    let mut first = policy.clone();
    tokio::spawn(async move {
        if first.first().await.is_some() {
            has_policy.present();
        }
    });
    service.ready();
    accounts::follow(Arc::new(services), policy, service.shutdown.clone()).await;
    Ok(())
}

#[cfg(test)]
mod tests;
