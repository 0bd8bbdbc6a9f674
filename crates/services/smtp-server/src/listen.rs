//! Listeners from the configuration.

use std::sync::Arc;
use std::time::Duration;

use front_end::{FrontEnd, Limits, MakeRoom, Opening, Protocol, Running, Shards};
use rules::ListenerClass;
use service_kit::Service;

use crate::config::{Config, ListenerConfig};
use crate::connection::Connection;
use crate::server::{Purpose, Server};
use crate::shard::Shard;

const PROTOCOL: Protocol = Protocol {
    section: "smtp-server",
    busy: b"421 4.3.2 Too many connections, try again later\r\n",
    has_proxy_command: true,
};

/// Factor by which a trusted peer may be idle longer than an untrusted one before it is replaced.
const KNOWN_LATER: u32 = 3;

/// Opens the listeners. The process is ready once it has a policy and has reached the queue, since until then
/// it refuses all clients (I8), and as long as queue and mailbox-store are ready. The listeners work until
/// shutdown.
pub fn start(config: &Config, service: &Service) -> anyhow::Result<Running> {
    let server = Arc::new(Server::new(config, service)?);
    let shards = Shard::all(service)?;
    let openings = config
        .listener
        .iter()
        .map(|listener| opening(listener, config));
    let front_end = FrontEnd::open(&PROTOCOL, openings, service)?;
    let running = {
        let (server, shutdown) = (Arc::clone(&server), service.shutdown.clone());
        front_end.serve(&shards, move |io, listener, shard| {
            Connection::new(Arc::clone(&server), shard, listener, shutdown.clone(), io).run()
        })
    };
    be_ready(&server, shards, service)?;
    let refusals = server.refusals.clone();
    Ok(running.and_finally(async move { refusals.finish().await }))
}

fn opening(listener: &ListenerConfig, config: &Config) -> Opening<Purpose> {
    let name = match &listener.name {
        Some(name) => name.clone(),
        None => listener.address.to_string(),
    };
    if listener.class == ListenerClass::Auto && !listener.proxies.is_empty() {
        tracing::warn!(listener = %name, "behind proxies the class `auto` means external");
    }
    Opening {
        name: name.into(),
        config: listener.into(),
        limits: limits(listener, config),
        own: Purpose::of(listener),
    }
}

fn limits(listener: &ListenerConfig, config: &Config) -> Limits {
    let total = config.max_connections;
    let make_room_after = Duration::from_secs(config.make_room_after_seconds);
    Limits {
        total,
        strangers: if listener.role.needs_login() {
            Limits::before_login(total, total)
        } else {
            total
        },
        per_address: config.max_connections_per_address,
        make_room_after: MakeRoom {
            strangers: make_room_after,
            known: make_room_after * KNOWN_LATER,
        },
    }
}

/// Reports readiness as soon as the conditions are met.
fn be_ready(server: &Server, shards: Shards<Shard>, service: &Service) -> anyhow::Result<()> {
    service.needs_queue("no mail is accepted")?;
    service.needs_mailbox_store("logins fail, and recipients cannot be checked")?;
    let has_policy = service.needs("policy", "no mail is accepted");
    let mut policy = server.policy.clone();
    let service = service.clone();
    let shutdown = service.shutdown.clone();
    tokio::spawn(shutdown.run_until_cancelled_owned(async move {
        if policy.first().await.is_some() {
            has_policy.present();
            for shard in shards.shared() {
                shard.enqueuer.reached().await;
            }
            service.ready();
        }
    }));
    Ok(())
}
