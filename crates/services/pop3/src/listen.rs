//! The listeners, from opened to drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use api::refusals::Refusals;
use pop3_protocol::server::{Settings, reply};
use service_kit::{ServerTls, Service};
use session_io::{Limits, MakeRoom};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::connection::{self, Shared};
use crate::store::Store;
use crate::{Config, ListenerConfig, TlsMode};

/// How long a client that has logged in must have been silent before it makes room for another when
/// all places are taken.
const SILENCE_AFTER_LOGIN: Duration = Duration::from_secs(120);

/// Listeners that are open.
pub struct Running {
    addresses: Vec<SocketAddr>,
    listeners: JoinSet<()>,
    refusals: Refusals,
}

impl Running {
    /// Where they listen, in the order of the configuration: ports that were left to the system
    /// are known from here on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Waits until the process is told to shut down and all sessions have ended.
    pub async fn wait(mut self) {
        while self.listeners.join_next().await.is_some() {}
        self.refusals.finish().await;
    }
}

/// Opens the listeners.
pub fn start(config: &Config, service: &Service) -> anyhow::Result<Running> {
    if config.listener.is_empty() {
        bail!("[[pop3.listener]] is missing: there is nothing to listen on");
    }
    let tls = service.server_tls()?;
    let store = Store::new(service.mailbox_store_channel()?);
    let queue = service.queue_channel_if_known()?;
    let refusals = Refusals::start(queue, config.refusals_kept_a_minute);
    let mut running = Running {
        addresses: Vec::new(),
        listeners: JoinSet::new(),
        refusals: refusals.clone(),
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
        let shared = shared(
            config,
            listener,
            &store,
            &refusals,
            tls.clone(),
            &service.shutdown,
        )?;
        let address = socket.local_addr()?;
        tracing::info!(%address, tls = ?listener.tls, "POP3");
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
                TlsMode::Starttls | TlsMode::None => reply::BUSY,
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
        running.listeners.spawn(session_io::serve(
            socket,
            limits,
            service.shutdown.clone(),
            move |client| connection::serve(client, Arc::clone(&shared)),
        ));
    }
    service.needs_mailbox_store("nobody logs in, and no mailbox is read")?;
    service.ready();
    Ok(running)
}

fn shared(
    config: &Config,
    listener: &ListenerConfig,
    store: &Store,
    refusals: &Refusals,
    tls: Option<Arc<ServerTls>>,
    shutdown: &CancellationToken,
) -> anyhow::Result<Arc<Shared>> {
    let tls = match listener.tls {
        TlsMode::None => None,
        TlsMode::Starttls => tls,
        TlsMode::Implicit => Some(tls.with_context(|| {
            format!(
                "[tls] is missing, and {} is for TLS alone",
                listener.address
            )
        })?),
    };
    Ok(Arc::new(Shared {
        settings: Settings {
            tls_available: tls.is_some(),
            tls_on: listener.tls == TlsMode::Implicit,
            plaintext_auth: listener.plaintext_auth,
        },
        tls,
        store: store.clone(),
        refusals: refusals.clone(),
        listener: format!("pop3 {}", listener.address),
        login_timeout: Duration::from_secs(config.login_timeout_seconds),
        idle_timeout: Duration::from_secs(config.idle_timeout_seconds),
        shutdown: shutdown.clone(),
    }))
}
