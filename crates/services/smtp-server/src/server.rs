//! The state shared by all connections.

use std::time::Duration;

use api::directory::v1::directory_client::DirectoryClient;
use api::grpc::Channel;
use api::login::LoginMechanisms;
use api::refusals::Refusals;
use host_network::HostNetwork;
use mail_authentication::{Authenticator, Dns, ReverseNames};
use policy_watch::{FreeSpace, PolicyWatch};
use rules::{InterfaceSetting, ListenerClass, ListenerRole};
use service_kit::Service;
use smtp_protocol::server::Limits;

use crate::config::{Config, ListenerConfig};
use crate::connection::TimeLimits;
use crate::metrics::Metrics;
use crate::queue_runs::QueueRuns;
use crate::session_id::SessionIds;
use crate::throttle::Throttle;
use crate::users::Users;

/// The state shared by all connections.
pub(crate) struct Server {
    pub(crate) hostname: String,
    pub(crate) policy: PolicyWatch,
    pub(crate) users: Users,
    pub(crate) directory: DirectoryClient<Channel>,
    pub(crate) login_mechanisms: LoginMechanisms,
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
    pub(crate) time_limits: TimeLimits,
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
            login_mechanisms: LoginMechanisms::start(
                mailbox_store.clone(),
                service.shutdown.clone(),
            ),
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
            time_limits: TimeLimits {
                command: Duration::from_secs(config.command_timeout_seconds),
                silence: Duration::from_secs(config.data_timeout_seconds),
                min_rate: config.min_data_rate,
                grace: Duration::from_secs(config.data_grace_seconds),
                session: Duration::from_secs(config.max_idle_session_seconds),
            },
        })
    }
}

/// The purpose of a listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    pub(crate) role: ListenerRole,
    pub(crate) class: ListenerClass,
}

impl Purpose {
    /// As configured. Behind proxies, addresses say nothing about the clients' networks.
    pub(crate) fn of(config: &ListenerConfig) -> Self {
        Self {
            role: config.role,
            class: match config.class {
                ListenerClass::Auto if !config.proxies.is_empty() => ListenerClass::External,
                class => class,
            },
        }
    }
}

/// A listener with its purpose.
pub(crate) type Listener = front_end::Listener<Purpose>;
