//! Opening a connection to a destination: its servers in turn, TLS, greeting, login.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use session_io::{ClientTls, Connection, SessionError};
use smtp_protocol::client::{ClientError, Event, Options, Session, TlsUse};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::gateway;
use super::hops::{AddressIndex, Hop, Plan};
use super::state::Remote;
use super::table::Connected;
use super::target::Target;
use super::trail::{Progress, Trail, Tried};
use super::trouble::Trouble;
use crate::fate::Failure;

/// Timeout of connecting to one address.
const CONNECT: Duration = Duration::from_secs(30);
/// Timeout of each answer until the session is ready. RFC 5321 §4.5.3.2.1 asks for 5 minutes before the
/// greeting; a later attempt is better than such a long wait.
const GREETING: Duration = Duration::from_secs(60);
/// After this time no further address is tried: enough for all, if each is silent.
const OPENING_BUDGET: Duration = Duration::from_secs(300);
/// RFC 5321 §4.5.3.2: servers have 5 minutes for each command.
pub(super) const COMMAND: Duration = Duration::from_secs(300);
/// Timeout of QUIT, which is a courtesy.
const GOODBYE: Duration = Duration::from_secs(2);
/// The port with implicit TLS (RFC 8314 §3.3).
const SUBMISSIONS: u16 = 465;

/// A session that is ready for a transaction.
pub(super) struct Open {
    pub(super) connection: Connection,
    pub(super) session: Session,
    /// Name and address, for the history.
    pub(super) server: String,
    /// The plan that the server belongs to, and its index.
    pub(super) plan: Arc<Plan>,
    pub(super) place: AddressIndex,
    /// Number of its transactions.
    pub(super) messages: u32,
    /// Content of the current transaction has been sent.
    pub(super) content_begun: bool,
    _connected: Connected,
    /// A permit of the bound on connections.
    _permit: OwnedSemaphorePermit,
}

impl Open {
    pub(super) async fn quit(mut self: Box<Self>) {
        self.connection.set_timeout(GOODBYE);
        self.session.quit(self.connection.output());
        if self.connection.flush().await.is_ok() {
            let _ = self.connection.close().await;
        }
    }
}

/// Opens a session with the first usable server that was not tried in this attempt. DNS answers are no older
/// than `wished`, the time at which an attempt was asked for, if it was. Fails if no server is left.
pub(super) async fn open(
    remote: &Remote,
    target: &Target,
    trail: &mut Trail,
    wished: Option<Instant>,
) -> Result<Box<Open>, Failure> {
    let plan = match trail.plan() {
        Some(plan) => Arc::clone(plan),
        None => Arc::new(plan(remote, target, wished).await?),
    };
    trail.follow(&plan);
    let attempt = || first_that_answers(remote, &plan, trail);
    let ((opened, failed), opening) = remote.openings.open(target, attempt).await;
    trail.unopened(failed);
    let Some(opened) = opened else {
        return Err(trail.conclude(None));
    };
    trail.opened(opened.place);
    // The socket counts as an opening until it counts as a connection.
    let permit = Arc::clone(&remote.permits).acquire_owned().await;
    drop(opening);
    let permit = permit.map_err(|_| trail.conclude(None))?;
    Ok(Box::new(Open {
        connection: opened.connection,
        session: opened.session,
        server: opened.server,
        plan,
        place: opened.place,
        messages: 0,
        content_begun: false,
        _connected: remote.table.connected(target),
        _permit: permit,
    }))
}

/// The first server with a session.
struct Opened {
    connection: Connection,
    session: Session,
    server: String,
    place: AddressIndex,
}

/// Tries the servers in turn; returns the failures of those before the first usable one.
async fn first_that_answers(
    remote: &Remote,
    plan: &Plan,
    trail: &Trail,
) -> (Option<Opened>, Vec<(AddressIndex, Tried)>) {
    let began = Instant::now();
    let mut failed = Vec::new();
    for (place, hop, address) in plan.addresses().filter(|(place, ..)| trail.is_left(*place)) {
        if began.elapsed() >= OPENING_BUDGET {
            break;
        }
        let server = label(hop, address);
        match reach(remote, plan, hop, address).await {
            Ok((connection, session)) => {
                let opened = Opened {
                    connection,
                    session,
                    server,
                    place,
                };
                return (Some(opened), failed);
            }
            Err(tried) => {
                tracing::debug!(server, reason = tried.failure.reason, "the next server");
                failed.push((place, tried));
            }
        }
    }
    (None, failed)
}

async fn plan(remote: &Remote, target: &Target, wished: Option<Instant>) -> Result<Plan, Failure> {
    match target {
        Target::Direct(host) => {
            let servers = remote.setup.resolver.servers_for(host, wished).await?;
            Ok(Plan {
                hops: servers.hops,
                unresolved: servers.unresolved,
                tls: TlsUse::IfOffered,
                login: None,
                secured: false,
                gateway: None,
            })
        }
        Target::Gateway(gateway) => gateway::plan(remote, gateway, wished).await,
        Target::Secured(target) => Ok(Plan {
            tls: TlsUse::Required,
            secured: true,
            ..Box::pin(plan(remote, target, wished)).await?
        }),
    }
}

/// Tries one address. If TLS fails and is only opportunistic, plain text follows.
async fn reach(
    remote: &Remote,
    plan: &Plan,
    hop: &Hop,
    address: SocketAddr,
) -> Result<(Connection, Session), Tried> {
    let server = label(hop, address);
    match greet(remote, plan, hop, address, plan.tls).await {
        Err(Trouble::Tls(reason)) if plan.tls == TlsUse::IfOffered => {
            tracing::info!(
                server = hop.name,
                reason,
                "TLS failed; continuing without TLS"
            );
            let plain = greet(remote, plan, hop, address, TlsUse::Never).await;
            plain.map_err(|trouble| {
                // Keep the first failure: otherwise nobody would know that TLS failed.
                let mut tried = trouble.tried(&server);
                let before = format!(" An earlier attempt with TLS failed: {reason}.");
                tried.failure.reason.push_str(&before);
                tried
            })
        }
        other => other.map_err(|trouble| trouble.tried(&server)),
    }
}

fn label(hop: &Hop, address: SocketAddr) -> String {
    format!("{} [{}]", hop.name, address.ip())
}

/// From the connection to a ready session.
async fn greet(
    remote: &Remote,
    plan: &Plan,
    hop: &Hop,
    address: SocketAddr,
    tls: TlsUse,
) -> Result<(Connection, Session), Trouble> {
    let authority = match tls {
        TlsUse::Required => &remote.setup.verified_tls,
        TlsUse::IfOffered | TlsUse::Never => &remote.setup.any_tls,
    };
    let implicit = address.port() == SUBMISSIONS && tls != TlsUse::Never;
    let mut connection = Connection::connect(address, CONNECT)
        .await
        .map_err(|error| Trouble::Connection(Progress::Connection, error))?;
    connection.set_timeout(GREETING);
    if implicit {
        shake_hands(&mut connection, authority, &hop.name).await?;
    }
    let mut session = Session::new(Options {
        helo: remote.setup.hostname.clone(),
        tls,
        tls_active: implicit,
        login: plan.login.clone(),
    });
    loop {
        let (input, output) = connection.buffers();
        let stage = session.stage();
        let failed = |error| Trouble::Session(Progress::at(stage), error);
        match session.advance(input, output).map_err(failed)? {
            Event::NeedInput => {
                let lost = |error| Trouble::Connection(Progress::at(stage), error);
                connection.flush().await.map_err(lost)?;
                if connection.fill().await.map_err(lost)? == 0 {
                    return Err(lost(SessionError::Closed));
                }
            }
            Event::StartTls => {
                shake_hands(&mut connection, authority, &hop.name).await?;
                session.tls_started(connection.output());
            }
            Event::Ready => break,
            // These occur only in transactions.
            Event::SendContent | Event::Done(_) => {
                return Err(failed(ClientError::BadReply));
            }
        }
    }
    connection.set_timeout(COMMAND);
    Ok((connection, session))
}

async fn shake_hands(
    connection: &mut Connection,
    tls: &ClientTls,
    name: &str,
) -> Result<(), Trouble> {
    let shaken = connection.start_client_tls(tls, name).await;
    shaken.map_err(|error| Trouble::Tls(error.to_string()))
}
