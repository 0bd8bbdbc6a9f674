//! The delivery worker: leases recipients from the queue, routes each by the policy, delivers to mailboxes
//! and to other servers, and records the outcomes.
//!
//! It stores nothing. Any number of workers run side by side, and any of them may be killed at any time
//! (I11). It does not decide where mail goes (`rules` does), and it uses no database.
//!
//! ```text
//! queue ──Lease──▶ lease ─▶ route ─┬─▶ local  ──Deliver──▶ mailbox-store
//!                                  ├─▶ remote ───SMTP────▶ other servers
//!                                  ▼
//! queue ◀─Complete─ complete ◀─ finish (schedule, notice, derive)
//! ```

mod body;
mod collected;
mod complete;
mod config;
mod deadline;
mod derive;
mod destination;
mod fate;
mod finish;
#[cfg(test)]
mod fixture;
mod lease;
mod leases;
mod local;
mod log_line;
mod notice;
mod notify;
mod remote;
mod retry;
mod route;
mod schedule;
mod work;

use std::sync::Arc;

use anyhow::Context as _;
use api::queue_clock::QueueClock;
use policy_watch::PolicyWatch;
use service_kit::Service;
use session_io::ClientTls;

pub use config::Config;

use crate::complete::Completer;
use crate::finish::Finisher;
use crate::lease::{Identity, Leaser};
use crate::leases::Leases;
use crate::local::Local;
use crate::notice::Notices;
use crate::remote::{Remote, Resolver, Setup};
use crate::route::Router;

/// Delivers until shutdown, then finishes running work.
pub async fn run(config: Config, service: Service) -> anyhow::Result<()> {
    let queue = service.queue_channel()?;
    let mailbox_store = service.mailbox_store_channel()?;
    let mut policy = PolicyWatch::start(queue.clone());
    service.needs_queue("nothing is delivered")?;
    service.needs_mailbox_store("nothing is delivered to mailboxes")?;
    let has_policy = service.needs("policy", "nothing is delivered");
    let stream = service.needs("the stream from the queue", "no mail is leased");
    service.ready();
    // Without a policy nothing is leased (I8).
    tokio::select! {
        first = policy.first() => anyhow::ensure!(first.is_some(), "the policy watch has ended"),
        () = service.shutdown.cancelled() => return Ok(()),
    }
    has_policy.present();
    let leases = Leases::new(config.credits);
    let clock = QueueClock::system();
    let finisher = Arc::new(Finisher {
        clock: clock.clone(),
        completer: Completer::start(queue.clone()),
        notices: Arc::new(Notices {
            queue: queue.clone(),
            hostname: service.hostname.clone(),
        }),
    });
    let remote = Remote::new(Setup {
        finisher: Arc::clone(&finisher),
        queue: queue.clone(),
        resolver: Resolver::new(config.resolver, &service.hostname, config.smtp_port)
            .context("no name server")?,
        hostname: service.hostname.clone(),
        connections: config.connections,
        connections_per_destination: config.connections_per_destination,
        any_tls: ClientTls::opportunistic()?,
        verified_tls: match &config.authorities {
            Some(file) => ClientTls::verified_by(
                &std::fs::read(file).with_context(|| file.display().to_string())?,
            )?,
            None => ClientTls::verified()?,
        },
    });
    let router = Router {
        policy,
        local: Local::start(mailbox_store, Arc::clone(&finisher)),
        remote,
        leases: Arc::clone(&leases),
        finisher,
    };
    let leaser = Leaser {
        channel: queue,
        clock,
        identity: Identity::draw(config.worker.as_deref(), &service.machine()),
        leases,
        router,
        stream,
        shutdown: service.shutdown.clone(),
    };
    leaser.run().await;
    Ok(())
}
