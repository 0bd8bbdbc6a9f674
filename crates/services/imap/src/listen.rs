//! From configuration to listeners, and their end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use service_kit::Service;
use session_io::{Limits, MakeRoom};
use tokio::task::JoinSet;

use crate::config::{Config, TlsMode};
use crate::server::{Listener, Server};
use crate::session::Session;

/// What a client is told when there is no room.
const BUSY: &[u8] = b"* BYE [UNAVAILABLE] Too many connections, try again later\r\n";

/// How long a client that has logged in must have been silent before it makes room for another when
/// all places are taken; an idling one counts as silent.
const SILENCE_AFTER_LOGIN: Duration = Duration::from_secs(300);

/// Listeners at work.
pub struct Running {
    addresses: Vec<SocketAddr>,
    listeners: JoinSet<()>,
    server: Arc<Server>,
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
        self.server.refusals.finish().await;
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
        server: Arc::clone(&server),
    };
    let descriptors = service.descriptors_for_each_of(config.listener.len());
    let sockets = config
        .listener
        .iter()
        .map(|listener| {
            session_io::bind(listener.address)
                .with_context(|| format!("cannot listen on {}", listener.address))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    service.give_up_root()?;
    for (listener, socket) in config.listener.iter().zip(sockets) {
        let address = socket.local_addr()?;
        tracing::info!(%address, tls = ?listener.tls, "listening");
        running.addresses.push(address);
        let limits = Limits {
            total: config.max_connections,
            // Some places are for those who have logged in, however few there are.
            strangers: config
                .max_connections_before_login
                .min(config.max_connections - config.max_connections / 4),
            per_address: config.max_connections_per_address,
            busy: match listener.tls {
                TlsMode::Implicit => b"",
                TlsMode::Starttls | TlsMode::None => BUSY,
            },
            make_room_after: MakeRoom {
                strangers: Duration::from_secs(config.make_room_after_seconds),
                known: SILENCE_AFTER_LOGIN,
            },
        }
        .within(descriptors);
        if limits.total < config.max_connections {
            tracing::warn!(%address, connections = limits.total, "`max-connections` is lowered to what fits under the limit of open files; raise that (`ulimit -Hn`, LimitNOFILE)");
        }
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
    service.needs_mailbox_store("nobody logs in, and no mailbox is read")?;
    service.ready();
    Ok(running)
}
