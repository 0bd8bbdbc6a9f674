//! Opens listeners from the configuration, and runs them to their end.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use service_kit::{ServerTls, Service};
use session_io::Connection;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::serving::{Terms, bind, serve};
use crate::{Error, Limits, Listener, ListenerConfig, Shards, TlsMode};

/// The protocol's part of a front end.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// The process's section in the configuration: `smtp-server`, `imap`, …
    pub section: &'static str,
    /// The message to a client without a free slot, such as `421 …\r\n`. Not sent with implicit TLS.
    pub busy: &'static [u8],
    /// The protocol has a command for the client's address (XCLIENT), besides the PROXY protocol.
    pub has_proxy_command: bool,
}

/// A listener to open.
#[derive(Clone, Debug)]
pub struct Opening<T = ()> {
    /// Its name in the log and in the list of refusals.
    pub name: Arc<str>,
    /// As configured.
    pub config: ListenerConfig,
    /// The limits of its connections.
    pub limits: Limits,
    /// The protocol's part.
    pub own: T,
}

/// Open listeners that do not serve yet.
#[derive(Debug)]
pub struct FrontEnd<T> {
    open: Vec<Open<T>>,
    shutdown: CancellationToken,
}

#[derive(Debug)]
struct Open<T> {
    socket: TcpListener,
    address: SocketAddr,
    terms: Terms,
    listener: Arc<Listener<T>>,
}

impl<T> FrontEnd<T> {
    /// Opens all listeners, loads their certificates, and drops root's rights, which are not needed
    /// afterwards.
    pub fn open(
        protocol: &Protocol,
        openings: impl IntoIterator<Item = Opening<T>>,
        service: &Service,
    ) -> Result<Self, Error> {
        let openings: Vec<_> = openings.into_iter().collect();
        if openings.is_empty() {
            return Err(Error::NoListener(protocol.section));
        }
        let descriptors = service.descriptors_for_each_of(openings.len());
        let tls = service.server_tls()?;
        let open: Result<_, Error> = openings
            .into_iter()
            .map(|opening| Open::new(opening, protocol, descriptors, tls.as_ref(), service))
            .collect();
        let open = open?;
        service.give_up_root()?;
        Ok(Self {
            open,
            shutdown: service.shutdown.clone(),
        })
    }

    /// Serves all listeners until shutdown: each connection is passed to `handler` on one of the `shards`,
    /// with the shard's shared value. Handlers must watch the shutdown themselves.
    pub fn serve<S, H, F>(self, shards: &Shards<S>, handler: H) -> Running
    where
        T: Send + Sync + 'static,
        S: Send + Sync + 'static,
        H: Fn(Connection, Arc<Listener<T>>, Arc<S>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let mut running = Running {
            addresses: Vec::new(),
            listeners: JoinSet::new(),
            finally: Box::pin(std::future::ready(())),
        };
        for Open {
            socket,
            address,
            terms,
            listener,
        } in self.open
        {
            running.addresses.push(address);
            let handler = Arc::clone(&handler);
            let handler =
                move |connection, shared| handler(connection, Arc::clone(&listener), shared);
            let shutdown = self.shutdown.clone();
            running
                .listeners
                .spawn(serve(socket, terms, shards.clone(), shutdown, handler));
        }
        running
    }
}

impl<T> Open<T> {
    fn new(
        opening: Opening<T>,
        protocol: &Protocol,
        descriptors: usize,
        tls: Option<&Arc<ServerTls>>,
        service: &Service,
    ) -> Result<Self, Error> {
        let Opening {
            name,
            config,
            limits,
            own,
        } = opening;
        let listener = Listener::new(name, &config, own, protocol, tls, service)?;
        let failed = |source| Error::Listen {
            address: config.address,
            source,
        };
        let socket = bind(config.address).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        tracing::info!(%address, listener = %listener.name, tls = ?config.tls, "listening");
        let busy = match config.tls {
            TlsMode::Implicit => b"",
            TlsMode::Starttls | TlsMode::None => protocol.busy,
        };
        Ok(Self {
            socket,
            address,
            terms: Terms {
                limits: within(limits, descriptors, address),
                busy,
                proxies: listener.proxies.clone(),
            },
            listener: Arc::new(listener),
        })
    }
}

fn within(limits: Limits, descriptors: usize, address: SocketAddr) -> Limits {
    let configured = limits.total;
    let limits = limits.within(descriptors);
    if limits.total < configured {
        tracing::warn!(%address, connections = limits.total, "`max-connections` is lowered to what fits under the limit of open files; raise that (`ulimit -Hn`, LimitNOFILE)");
    }
    limits
}

/// Running listeners.
pub struct Running {
    addresses: Vec<SocketAddr>,
    listeners: JoinSet<()>,
    finally: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Running {
    /// The bound addresses in the configuration's order, with ports chosen by the system.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Adds a task to run when all connections have ended.
    #[must_use]
    pub fn and_finally(self, last: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            finally: Box::pin(last),
            ..self
        }
    }

    /// Waits for the shutdown and the end of all connections.
    pub async fn wait(mut self) -> Result<(), Error> {
        while let Some(ended) = self.listeners.join_next().await {
            ended?;
        }
        self.finally.await;
        Ok(())
    }
}
