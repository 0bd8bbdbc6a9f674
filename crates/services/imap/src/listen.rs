//! From configuration to listeners, and their end.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use service_kit::Service;
use tokio::task::JoinSet;

use crate::config::{Config, TlsMode};
use crate::server::{Listener, Server};
use crate::session::Session;

/// What a client is told when there is no room.
const BUSY: &[u8] = b"* BYE [UNAVAILABLE] Too many connections, try again later\r\n";

/// Listeners at work.
pub struct Running {
    addresses: Vec<SocketAddr>,
    listeners: JoinSet<()>,
}

impl Running {
    /// Where they listen, in the configuration's order.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Waits until all have drained.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.listeners.join_next().await {
            ended.context("a listener failed")?;
        }
        Ok(())
    }
}

/// Opens the listeners. They work until the process is told to shut down.
pub async fn start(config: Config, service: Service) -> anyhow::Result<Running> {
    let tls = service.server_tls()?;
    let server = Arc::new(Server::new(&config, &service)?);
    let mut running = Running {
        addresses: Vec::new(),
        listeners: JoinSet::new(),
    };
    for listener in &config.listener {
        let socket = session_io::bind(listener.address)
            .with_context(|| format!("cannot listen on {}", listener.address))?;
        let address = socket.local_addr()?;
        tracing::info!(%address, tls = ?listener.tls, "listening");
        running.addresses.push(address);
        let limits = session_io::Limits {
            total: config.max_connections,
            per_address: config.max_connections_per_address,
            busy: match listener.tls {
                TlsMode::Implicit => b"",
                TlsMode::Starttls | TlsMode::None => BUSY,
            },
            make_room_after: None,
        };
        let listener = Arc::new(Listener::new(listener, tls.as_ref())?);
        let shutdown = service.shutdown.clone();
        let server = Arc::clone(&server);
        running.listeners.spawn(session_io::serve(
            socket,
            limits,
            service.shutdown.clone(),
            move |io| {
                Session::new(
                    Arc::clone(&server),
                    Arc::clone(&listener),
                    shutdown.clone(),
                    io,
                )
                .run()
            },
        ));
    }
    service.ready();
    Ok(running)
}
