//! What all connections share.

use std::sync::Arc;
use std::time::Duration;

use api::directory::v1::directory_client::DirectoryClient;
use api::free_space::FreeSpace;
use api::grpc::Channel;
use api::policy_watch::PolicyWatch;
use api::refusals::Refusals;
use host_network::HostNetwork;
use mail_authentication::{Authenticator, Dns, ReverseNames};
use rules::{InterfaceSetting, ListenerClass, ListenerRole};
use service_kit::{ServerTls, Service};
use session_io::Proxies;
use smtp_protocol::server::Limits;

use crate::config::{Config, ListenerConfig, TlsMode};
use crate::connection::Times;
use crate::login_methods::LoginMethods;
use crate::metrics::Metrics;
use crate::queue_runs::QueueRuns;
use crate::session_id::SessionIds;
use crate::throttle::Throttle;
use crate::users::Users;

/// See the module.
pub(crate) struct Server {
    pub(crate) hostname: String,
    pub(crate) policy: PolicyWatch,
    pub(crate) users: Users,
    pub(crate) directory: DirectoryClient<Channel>,
    pub(crate) login_methods: LoginMethods,
    pub(crate) throttle: Throttle,
    pub(crate) network: HostNetwork,
    pub(crate) interfaces: Vec<InterfaceSetting>,
    pub(crate) reverse_names: ReverseNames,
    pub(crate) free_space: FreeSpace,
    pub(crate) authenticator: Authenticator,
    pub(crate) ids: SessionIds,
    pub(crate) metrics: Metrics,
    pub(crate) refusals: Refusals,
    pub(crate) queue_runs: QueueRuns,
    pub(crate) limits: Limits,
    pub(crate) max_hops: usize,
    pub(crate) max_header_fields: usize,
    pub(crate) max_messages: u32,
    pub(crate) times: Times,
}

impl Server {
    pub(crate) fn new(config: &Config, service: &Service) -> anyhow::Result<Self> {
        let queue = service.queue_channel()?;
        let mailbox_store = service.mailbox_store_channel()?;
        let dns = Dns::new(config.resolver)?;
        let policy = PolicyWatch::start(queue.clone());
        let free_space = FreeSpace::start(queue.clone(), policy.clone(), service.shutdown.clone());
        Ok(Self {
            hostname: service.hostname.clone(),
            policy,
            free_space,
            users: Users::start(mailbox_store.clone(), service.shutdown.clone()),
            login_methods: LoginMethods::start(mailbox_store.clone(), service.shutdown.clone()),
            directory: DirectoryClient::new(mailbox_store),
            refusals: Refusals::start(Some(queue.clone()), config.refusals_kept_a_minute),
            queue_runs: QueueRuns::new(queue.clone()),
            throttle: Throttle::start(queue, service.shutdown.clone()),
            network: HostNetwork::watch(),
            interfaces: config.interface.clone(),
            reverse_names: ReverseNames::new(dns.clone()),
            authenticator: Authenticator::new(dns, Duration::from_secs(config.dns_timeout_seconds)),
            ids: SessionIds::new(),
            metrics: Metrics::new(),
            limits: Limits {
                bad_commands: config.max_bad_commands,
                refusals: config.max_refusals,
                idle_commands: config.max_idle_commands,
                failed_logins: config.max_failed_logins,
                text_line: config.max_text_line,
                ..Limits::default()
            },
            max_hops: config.max_hops.min(message::trace::MAX_HOPS),
            max_header_fields: config.max_header_fields,
            max_messages: config.max_messages_per_connection,
            times: Times {
                command: Duration::from_secs(config.command_timeout_seconds),
                silence: Duration::from_secs(config.data_timeout_seconds),
                octets_a_second: config.min_data_rate,
                grace: Duration::from_secs(config.data_grace_seconds),
                session: Duration::from_secs(config.max_idle_session_seconds),
            },
        })
    }
}

/// A listener, as its connections see it.
pub(crate) struct Listener {
    pub(crate) name: Arc<str>,
    pub(crate) role: ListenerRole,
    pub(crate) class: ListenerClass,
    pub(crate) proxies: Proxies,
    /// The proxies tell by XCLIENT; otherwise, if there are any, by a PROXY header.
    pub(crate) xclient: bool,
    pub(crate) tls_mode: TlsMode,
    pub(crate) plaintext_auth: bool,
    pub(crate) tls: Option<Arc<ServerTls>>,
    /// Clients are asked for certificates.
    pub(crate) client_certificates: bool,
}

impl Listener {
    pub(crate) fn new(
        config: &ListenerConfig,
        tls: Option<Arc<ServerTls>>,
    ) -> anyhow::Result<Self> {
        let name = match &config.name {
            Some(name) => name.clone(),
            None => config.address.to_string(),
        };
        if config.tls == TlsMode::Implicit && tls.is_none() {
            anyhow::bail!("listener {name}: implicit TLS needs a certificate in [tls]");
        }
        let asks = config.client_certificates.is_some();
        if asks && (config.tls == TlsMode::None || tls.is_none()) {
            anyhow::bail!(
                "listener {name}: `client-certificates` needs TLS, and a certificate in [tls]"
            );
        }
        let behind = !config.proxies.is_empty();
        if config.proxy_protocol && !behind {
            anyhow::bail!(
                "listener {name}: `proxy-protocol` needs `proxies`: from anybody a header is not believed"
            );
        }
        if let Some(everyone) = config
            .proxies
            .iter()
            .find(|network| network.is_everything())
        {
            anyhow::bail!(
                "listener {name}: with `proxies` of {everyone} anybody could say who he is"
            );
        }
        Ok(Self {
            name: name.into(),
            role: config.role,
            class: match config.class {
                ListenerClass::Auto if behind => ListenerClass::External,
                class => class,
            },
            proxies: Proxies::new(config.proxies.clone(), config.proxy_protocol),
            xclient: behind && !config.proxy_protocol,
            tls_mode: config.tls,
            plaintext_auth: config.plaintext_auth,
            tls: tls.filter(|_| config.tls != TlsMode::None),
            client_certificates: asks,
        })
    }
}
