//! Listeners from the configuration.

use std::sync::Arc;
use std::time::Duration;

use api::login::LoginMechanisms;
use api::refusals::Refusals;
use front_end::{FrontEnd, Opening, Protocol, Running, Shards};
use pop3_protocol::server::reply;
use service_kit::Service;

use crate::Config;
use crate::connection::{self, Server};
use crate::store::Store;

const PROTOCOL: Protocol = Protocol {
    section: "pop3",
    busy: reply::BUSY,
    has_proxy_command: false,
};

/// Opens the listeners. They work until shutdown.
pub fn start(config: &Config, service: &Service) -> anyhow::Result<Running> {
    let openings = config.listener.iter().map(|listener| Opening {
        name: format!("pop3 {}", listener.address).into(),
        config: listener.clone(),
        limits: config.limits(),
        own: (),
    });
    let queue = service.queue_channel_if_known()?;
    let refusals = Refusals::start(queue, config.refusals_kept_a_minute);
    let mailbox_store = service.mailbox_store_channel()?;
    let server = Arc::new(Server {
        mechanisms: LoginMechanisms::start(mailbox_store.clone(), service.shutdown.clone()),
        store: Store::new(mailbox_store),
        refusals: refusals.clone(),
        login_timeout: Duration::from_secs(config.login_timeout_seconds),
        idle_timeout: Duration::from_secs(config.idle_timeout_seconds),
        shutdown: service.shutdown.clone(),
    });
    let front_end = FrontEnd::open(&PROTOCOL, openings, service)?;
    let running = front_end.serve(&Shards::here(), move |client, listener, _| {
        connection::serve(client, Arc::clone(&server), listener)
    });
    service.needs_mailbox_store("logins fail, and no mailbox is read")?;
    service.ready();
    Ok(running.and_finally(async move { refusals.finish().await }))
}
