//! Listeners from the configuration.

use std::sync::Arc;

use front_end::{FrontEnd, Opening, Protocol, Running, Shards};
use service_kit::Service;

use crate::config::Config;
use crate::server::Server;
use crate::session::Session;

const PROTOCOL: Protocol = Protocol {
    section: "imap",
    busy: b"* BYE [UNAVAILABLE] Too many connections, try again later\r\n",
    has_proxy_command: false,
};

/// Opens the listeners. They work until shutdown.
pub fn start(config: &Config, service: &Service) -> anyhow::Result<Running> {
    let openings = config.listener.iter().map(|listener| Opening {
        name: format!("imap {}", listener.address).into(),
        config: listener.clone(),
        limits: config.limits(),
        own: (),
    });
    let server = Arc::new(Server::new(config, service)?);
    let front_end = FrontEnd::open(&PROTOCOL, openings, service)?;
    let refusals = server.refusals.clone();
    let shutdown = service.shutdown.clone();
    let running = front_end.serve(&Shards::here(), move |io, listener, _| {
        Session::new(Arc::clone(&server), listener, shutdown.clone(), io).run()
    });
    service.needs_mailbox_store("logins fail, and no mailbox is read")?;
    service.ready();
    Ok(running.and_finally(async move { refusals.finish().await }))
}
