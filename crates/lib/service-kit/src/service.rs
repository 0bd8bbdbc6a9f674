//! The environment of a running process.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::config::HostName;
use crate::grpc::{self, Callers, Late, Routes};
use crate::listener_tls::{self, ClientCertificates, ServerTls};
use crate::privileges::Unprivileged;
use crate::readiness::{self, Dependency, Readiness};
use crate::{Channel, Endpoint, Error, SharedConfig, health, open_files};

/// A process: its name, the shared configuration, and its connections to other services. Clones are the same
/// process.
#[derive(Clone, Debug)]
pub struct Service {
    /// `queue`, `smtp-server`, …
    pub name: &'static str,
    /// Name of this system in greetings and trace fields.
    pub hostname: String,
    /// The shared configuration.
    pub shared: SharedConfig,
    /// Cancelled when the process is to drain and end.
    pub shutdown: CancellationToken,
    readiness: Readiness,
    shards: Arc<[Handle]>,
    shows_metrics: bool,
    /// The user that a process started by root becomes.
    unprivileged: Option<Arc<Unprivileged>>,
}

impl Service {
    pub(crate) fn new(name: &'static str, shared: SharedConfig) -> Self {
        Self {
            name,
            shards: Arc::default(),
            shows_metrics: false,
            unprivileged: None,
            hostname: shared
                .hostname
                .as_ref()
                .map_or_else(machine_name, ToString::to_string),
            shared,
            shutdown: CancellationToken::new(),
            readiness: Readiness::new(),
        }
    }

    pub(crate) fn showing_metrics(self, shows_metrics: bool) -> Self {
        Self {
            shows_metrics,
            ..self
        }
    }

    /// Whether the metrics of this process can be read. Costly metrics are not collected otherwise.
    pub fn shows_metrics(&self) -> bool {
        self.shows_metrics
    }

    pub(crate) fn in_shards(self, shards: Arc<[Handle]>) -> Self {
        Self { shards, ..self }
    }

    pub(crate) fn becoming(self, unprivileged: Option<Unprivileged>) -> Self {
        Self {
            unprivileged: unprivileged.map(Arc::new),
            ..self
        }
    }

    /// Gives up root's rights if root started the process. A service with mail listeners calls this after it
    /// has opened them and read its certificate, before it accepts the first connection; other services have
    /// done so before.
    ///
    /// # Errors
    /// If the process then has no access to something it needs. The error names it, and the remedy.
    pub fn give_up_root(&self) -> Result<(), Error> {
        match &self.unprivileged {
            Some(user) => user.become_it(),
            None => Ok(()),
        }
    }

    /// The runtimes that serve connections, in a process started by [`run_in_shards`](crate::run_in_shards);
    /// otherwise the caller's runtime.
    pub fn shards(&self) -> Vec<Handle> {
        if self.shards.is_empty() {
            return vec![Handle::current()];
        }
        self.shards.to_vec()
    }

    /// A process for tests within one program: it changes nothing global and stores nothing durably. Set what
    /// the test needs in [`Service::shared`].
    pub fn for_tests(name: &'static str) -> Self {
        let mut shared = SharedConfig {
            hostname: HostName::try_from("mail.example.test".to_owned()).ok(),
            ..SharedConfig::default()
        };
        shared.database.require_fsync = false;
        Self::new(name, shared)
    }

    /// The name of the machine (or container, or pod). It identifies an instance of a service, also after a
    /// restart.
    pub fn machine(&self) -> String {
        machine_name()
    }

    /// A channel to all replicas of the service at `endpoint` (one or several, separated by commas). It
    /// connects on first use, and again after a loss.
    pub fn channel(&self, endpoint: &str) -> Result<Channel, Error> {
        grpc::open_channel_as(
            self.name,
            &Endpoint::several(endpoint)?,
            self.shared.internal_tls.as_ref(),
        )
    }

    /// A channel to the queue.
    pub fn queue_channel(&self) -> Result<Channel, Error> {
        self.channel(known(&self.shared.endpoints.queue, "queue")?)
    }

    /// The same, for an optional use of the queue: `None` if its endpoint is not configured.
    pub fn queue_channel_if_known(&self) -> Result<Option<Channel>, Error> {
        let endpoint = self.shared.endpoints.queue.as_deref();
        endpoint.map(|endpoint| self.channel(endpoint)).transpose()
    }

    /// A channel to mailbox-store.
    pub fn mailbox_store_channel(&self) -> Result<Channel, Error> {
        self.channel(known(
            &self.shared.endpoints.mailbox_store,
            "mailbox-store",
        )?)
    }

    /// The URL of Postgres.
    ///
    /// # Errors
    /// If it is not configured, or if the process cannot read the files needed to reach it.
    pub fn database_url(&self) -> Result<&str, Error> {
        if let Some(user) = &self.unprivileged {
            user.check_database()?;
        }
        self.shared.database.url.as_deref().ok_or_else(|| {
            Error::Config("database.url (POSTERN_DATABASE_URL) is missing".to_owned())
        })
    }

    /// Adds a dependency: this process is ready only while it is there. `name` is its name in the log and in
    /// the answer to `--health`; `without` says what the process does not do until it is there ("no mail is
    /// taken").
    pub fn needs(&self, name: &'static str, without: &'static str) -> Dependency {
        self.readiness.needs(name, without)
    }

    /// The queue as a dependency: it is there while it reports that it is ready.
    pub fn needs_queue(&self, without: &'static str) -> Result<(), Error> {
        let endpoint = known(&self.shared.endpoints.queue, "queue")?;
        self.needs_peer("queue", endpoint, without)
    }

    /// mailbox-store as a dependency: it is there while it reports that it is ready.
    pub fn needs_mailbox_store(&self, without: &'static str) -> Result<(), Error> {
        let endpoint = known(&self.shared.endpoints.mailbox_store, "mailbox-store")?;
        self.needs_peer("mailbox-store", endpoint, without)
    }

    fn needs_peer(
        &self,
        name: &'static str,
        endpoint: &str,
        without: &'static str,
    ) -> Result<(), Error> {
        let dependency = self.needs(name, without);
        let tls = self.shared.internal_tls.clone();
        let following = readiness::follow(dependency, Endpoint::several(endpoint)?, tls);
        tokio::spawn(self.shutdown.clone().run_until_cancelled_owned(following));
        Ok(())
    }

    /// Serves gRPC at `listen` until shutdown, then drains, for every caller: for tests. The health service
    /// is added, and reports readiness as soon as the listener is open.
    pub async fn serve_grpc(&self, listen: &str, routes: Routes) -> Result<(), Error> {
        let endpoint: Endpoint = listen.parse()?;
        let routes =
            routes.add_service(health::service(self.name, &self.readiness, &self.shutdown));
        self.listen(&endpoint, routes, || self.ready()).await
    }

    /// Opens `listen` for gRPC before the services exist, so that the process answers health checks while it
    /// waits for its dependencies. Until [`OpenGrpc::serve`], other calls are UNAVAILABLE.
    pub async fn open_grpc(&self, listen: &str) -> Result<OpenGrpc, Error> {
        let endpoint: Endpoint = listen.parse()?;
        let late = Late::default();
        let health = health::service(self.name, &self.readiness, &self.shutdown);
        let routes = late.routes().add_service(health);
        let (bound, is_bound) = oneshot::channel();
        let service = self.clone();
        let mut server = AbortOnDropHandle::new(tokio::spawn(async move {
            let listening = service.listen(&endpoint, routes, || {
                // The caller waits for this.
                let _ = bound.send(());
            });
            listening.await
        }));
        tokio::select! {
            biased;
            Ok(()) = is_bound => {}
            ended = &mut server => ended.unwrap_or_else(failed)?,
        }
        Ok(OpenGrpc {
            service: self.clone(),
            late,
            server,
        })
    }

    /// Serves health only, for a process without gRPC services of its own. It reports readiness after
    /// [`Service::ready`].
    pub async fn serve_health(&self, listen: &str) -> Result<(), Error> {
        let endpoint: Endpoint = listen.parse()?;
        let routes = Routes::new(health::service(self.name, &self.readiness, &self.shutdown));
        self.listen(&endpoint, routes, || ()).await
    }

    async fn listen(
        &self,
        endpoint: &Endpoint,
        routes: Routes,
        bound: impl FnOnce(),
    ) -> Result<(), Error> {
        let tls = self.shared.internal_tls.as_ref();
        grpc::serve(endpoint, tls, routes, self.shutdown.clone(), || {
            tracing::info!(%endpoint, "gRPC");
            bound();
        })
        .await
    }

    /// TLS of the mail listeners, by the section `[tls]`; `None` without it. The files are read again when
    /// they change.
    pub fn server_tls(&self) -> Result<Option<Arc<ServerTls>>, Error> {
        self.shared
            .tls
            .as_ref()
            .map(|config| listener_tls::load(config, self.shutdown.clone()))
            .transpose()
    }

    /// The same for a listener with client certificates.
    pub fn server_tls_with_clients(
        &self,
        clients: &ClientCertificates,
    ) -> Result<Option<Arc<ServerTls>>, Error> {
        let load = |config| listener_tls::load_with_clients(config, clients, self.shutdown.clone());
        self.shared.tls.as_ref().map(load).transpose()
    }

    /// File descriptors for each of this many listeners: the system's limit for this process is divided among
    /// them, less a reserve for everything else.
    pub fn descriptors_for_each_of(&self, listeners: usize) -> usize {
        open_files::for_each_of(listeners)
    }

    /// The process has been set up. From now on it is ready while its [dependencies](Self::needs) are there,
    /// until it is told to end.
    pub fn ready(&self) {
        // A service that still has root's rights when it serves must not continue.
        if let Err(error) = self.give_up_root() {
            tracing::error!(%error, "ending");
            self.shutdown.cancel();
        }
        self.readiness.set_up();
    }

    /// The process is not ready any more.
    pub(crate) fn not_ready(&self) {
        self.readiness.end();
    }
}

/// An open gRPC listener without services. Dropping it closes it.
#[derive(Debug)]
pub struct OpenGrpc {
    service: Service,
    late: Late,
    server: AbortOnDropHandle<Result<(), Error>>,
}

impl OpenGrpc {
    /// Serves `routes` until shutdown, then drains. `callers` says who may make which call. The process has
    /// been set up.
    pub async fn serve(self, routes: Routes, callers: Callers) -> Result<(), Error> {
        self.late.set(routes, callers);
        self.service.ready();
        self.ended().await
    }

    /// Waits for the end of a process that is told to end before it has anything to serve.
    pub async fn ended(self) -> Result<(), Error> {
        self.server.await.unwrap_or_else(failed)
    }
}

fn failed(error: tokio::task::JoinError) -> Result<(), Error> {
    Err(Error::Config(format!("the gRPC server failed: {error}")))
}

fn known<'a>(endpoint: &'a Option<String>, name: &str) -> Result<&'a str, Error> {
    endpoint
        .as_deref()
        .ok_or_else(|| Error::Config(format!("endpoints.{name} is missing")))
}

fn machine_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests;
