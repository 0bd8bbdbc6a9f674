//! The collector: polls the `[[collect]]` accounts of the policy and passes messages to the queue.
//!
//! It stores nothing. The queue's ledger holds the collected messages; an entry is committed with its
//! message, before the remote copy is deleted (I10). All times are by the queue's clock. The collector
//! deletes only messages that it has seen committed and that a mailbox receives. It does not rely on a UIDL
//! to identify a message.
//!
//! ```text
//! accounts ──one task each──▶ account: claim, poll, report, wait
//!                                └─ poll ─▶ remote (POP3)
//!                                     ├─ names:       UIDLs, and substitutes for them
//!                                     ├─ identity:    the identity of a message, whatever its UIDL
//!                                     ├─ collect:     RETR ─▶ Enqueue
//!                                     ├─ memory:      messages that need no second look
//!                                     └─ uncollected: messages not collected, and why
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
use policy_watch::{FreeSpace, PolicyWatch};
use service_kit::Service;
use session_io::ClientTls;

pub use config::Config;

/// Collects until shutdown, then ends the running polls.
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
