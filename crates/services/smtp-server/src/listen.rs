//! From configuration to listeners, and their end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rules::{ListenerClass, ListenerRole};
use service_kit::Service;
use session_io::{Limits, MakeRoom};
use tokio::task::JoinSet;

use crate::config::{Config, TlsMode};
use crate::connection::Connection;
use crate::lane::Lane;
use crate::server::{Listener, Server};

/// What a client is told when there is no room.
const BUSY: &[u8] = b"421 4.3.2 Too many connections, try again later\r\n";

/// A trusted peer makes room after so many times the time of an untrusted one.
const KNOWN_LATER: u32 = 3;

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

/// Opens the listeners; the process is ready once it has a policy and has reached the queue, since
/// until then it sends everyone away (I8), and while the queue and mailbox-store are. They work until the
/// process is told to shut down.
pub async fn start(config: Config, service: Service) -> anyhow::Result<Running> {
    let tls = service.server_tls()?;
    let server = Arc::new(Server::new(&config, &service)?);
    let lanes = Lane::all(&service)?;
    let make_room_after = Duration::from_secs(config.make_room_after_seconds);
    let descriptors = service.descriptors_for_each_of(config.listener.len());
    let mut running = Running {
        addresses: Vec::new(),
        listeners: JoinSet::new(),
        server: Arc::clone(&server),
    };
    let opened = config
        .listener
        .iter()
        .map(|listener| {
            let socket = session_io::bind(listener.address)
                .with_context(|| format!("cannot listen on {}", listener.address))?;
            let tls = match &listener.client_certificates {
                Some(clients) => service.server_tls_with_clients(clients)?,
                None => tls.clone(),
            };
            Ok((socket, tls))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    service.give_up_root()?;
    for (listener, (socket, tls)) in config.listener.iter().zip(opened) {
        let address = socket.local_addr()?;
        tracing::info!(%address, role = ?listener.role, tls = ?listener.tls, "listening");
        running.addresses.push(address);
        let limits = Limits {
            total: config.max_connections,
            strangers: strangers(listener.role, config.max_connections),
            per_address: config.max_connections_per_address,
            busy: match listener.tls {
                TlsMode::Implicit => b"",
                TlsMode::Starttls | TlsMode::None => BUSY,
            },
            make_room_after: MakeRoom {
                strangers: make_room_after,
                known: make_room_after * KNOWN_LATER,
            },
        }
        .within(descriptors);
        if limits.total < config.max_connections {
            tracing::warn!(%address, connections = limits.total, "`max-connections` is lowered to what fits under the limit of open files; raise that (`ulimit -Hn`, LimitNOFILE)");
        }
        if listener.class == ListenerClass::Auto && !listener.proxies.is_empty() {
            tracing::warn!(%address, "behind proxies the class `auto` means external");
        }
        let listener = Arc::new(Listener::new(listener, tls)?);
        let shutdown = service.shutdown.clone();
        let server = Arc::clone(&server);
        running.listeners.spawn(session_io::serve_behind(
            socket,
            limits,
            listener.proxies.clone(),
            lanes.clone(),
            service.shutdown.clone(),
            move |io, lane| {
                Connection::new(
                    Arc::clone(&server),
                    lane,
                    Arc::clone(&listener),
                    shutdown.clone(),
                    io,
                )
                .run()
            },
        ));
    }
    service.needs_queue("no mail is taken")?;
    service.needs_mailbox_store("nobody logs in, and recipients are not known")?;
    let has_policy = service.needs("policy", "no mail is taken");
    let mut policy = server.policy.clone();
    let shutdown = service.shutdown.clone();
    tokio::spawn(shutdown.run_until_cancelled_owned(async move {
        if policy.first().await.is_some() {
            has_policy.present();
            for lane in lanes.shared() {
                lane.enqueuer.reached().await;
            }
            service.ready();
        }
    }));
    Ok(running)
}

/// How many of a listener's connections may be those of untrusted peers: where all are to log in, the
/// last quarter is for those who have.
fn strangers(role: ListenerRole, total: usize) -> usize {
    match role {
        role if role.needs_login() => total - total / 4,
        _ => total,
    }
}
