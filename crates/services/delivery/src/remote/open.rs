//! Opening a connection to a destination: its servers in turn, TLS, greeting, login.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use session_io::{ClientTls, Connection, SessionError};
use smtp_protocol::client::{ClientError, Event, Options, Session, Stage, TlsUse};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::hops::{Hop, Plan};
use super::outcome::brief;
use super::{Remote, Target, gateway};
use crate::work::Failure;

/// One address may take so long to accept a connection.
const CONNECT: Duration = Duration::from_secs(30);
/// For each answer until the session is ready. RFC 5321 §4.5.3.2.1 would have us wait 5 minutes for
/// the greeting; a server that is so slow is better asked again later than waited for.
const GREETING: Duration = Duration::from_secs(60);
/// No further address is tried after so long.
const PATIENCE: Duration = Duration::from_secs(180);
/// RFC 5321 §4.5.3.2 gives servers 5 minutes for each command.
pub(super) const COMMAND: Duration = Duration::from_secs(300);
/// Saying goodbye is a courtesy.
const GOODBYE: Duration = Duration::from_secs(2);
/// Addresses that are tried for one message.
const MAX_ADDRESSES: usize = 10;
/// The status of a server with which there is no TLS, or none that proves who it is.
const NO_TLS: &str = "4.7.5";
/// The port where TLS begins with the first octet (RFC 8314 §3.3).
const SUBMISSIONS: u16 = 465;

/// A session that is ready for a transaction.
pub(super) struct Open {
    pub(super) connection: Connection,
    pub(super) session: Session,
    /// Name and address, for the history.
    pub(super) server: String,
    /// Transactions it has had.
    pub(super) messages: u32,
    /// The content of the present one is on its way.
    pub(super) content_begun: bool,
    /// One of the connections that are allowed at a time.
    _permit: OwnedSemaphorePermit,
}

/// Why there is none.
pub(super) struct Unopened(pub(super) Failure);

impl Open {
    pub(super) async fn quit(mut self: Box<Self>) {
        self.connection.set_timeout(GOODBYE);
        self.session.quit(self.connection.output());
        if self.connection.flush().await.is_ok() {
            let _ = self.connection.close().await;
        }
    }
}

/// Opens a session with the first server that has one, by what the DNS says since it was `asked`
/// for, if it was.
pub(super) async fn open(
    remote: &Remote,
    target: &Target,
    asked: Option<Instant>,
) -> Result<Box<Open>, Unopened> {
    let plan = plan(remote, target, asked).await.map_err(Unopened)?;
    let none = || Failure::temporary("4.4.4", "There is no server to connect to.");
    let attempt = || first_that_answers(remote, target, &plan);
    let (opened, opening) = remote.openings.open(target, attempt).await;
    let (connection, session, server) =
        opened.map_err(|last| Unopened(last.unwrap_or_else(none)))?;
    // The opening's socket is counted until it is one of the connections.
    let permit = Arc::clone(&remote.permits).acquire_owned().await;
    drop(opening);
    let permit = permit.map_err(|_| Unopened(none()))?;
    Ok(Box::new(Open {
        connection,
        session,
        server,
        messages: 0,
        content_begun: false,
        _permit: permit,
    }))
}

/// The servers in turn; or the last failure, if there was a server at all.
async fn first_that_answers(
    remote: &Remote,
    target: &Target,
    plan: &Plan,
) -> Result<(Connection, Session, String), Option<Failure>> {
    let began = Instant::now();
    let mut last: Option<Failure> = None;
    let mut insecure = matches!(target, Target::Secured(_));
    let mut addresses = Vec::new();
    for hop in &plan.hops {
        addresses.extend(hop.addresses.iter().map(|address| (hop, *address)));
    }
    addresses.truncate(MAX_ADDRESSES);
    for (hop, address) in addresses {
        if began.elapsed() >= PATIENCE {
            // A server that was not asked may be secure.
            insecure = false;
            break;
        }
        match reach(remote, plan, hop, address).await {
            Ok((connection, session)) => return Ok((connection, session, label(hop, address))),
            Err(failure) => {
                tracing::debug!(%target, server = failure.server, reason = failure.reason, "next");
                insecure &= failure.status == NO_TLS;
                last = Some(failure);
            }
        }
    }
    Err(match last {
        // RFC 8689 §4.2.1: no server is left that the message may go to.
        Some(last) if insecure => Some(Failure {
            permanent: true,
            status: "5.7.30".into(),
            reason: format!("REQUIRETLS is asked for. {}", last.reason),
            ..last
        }),
        last => last,
    })
}

async fn plan(remote: &Remote, target: &Target, asked: Option<Instant>) -> Result<Plan, Failure> {
    match target {
        Target::Direct(host) => Ok(Plan {
            hops: remote.setup.resolver.servers_for(host, asked).await?,
            tls: TlsUse::IfOffered,
            login: None,
        }),
        Target::Gateway(gateway) => gateway::plan(remote, gateway, asked).await,
        Target::Secured(target) => Ok(Plan {
            tls: TlsUse::Required,
            ..Box::pin(plan(remote, target, asked)).await?
        }),
    }
}

/// One address. When TLS was our wish alone and fails, plain text is better than no mail.
async fn reach(
    remote: &Remote,
    plan: &Plan,
    hop: &Hop,
    address: SocketAddr,
) -> Result<(Connection, Session), Failure> {
    let first = greet(remote, plan, hop, address, plan.tls).await;
    let tried = match first {
        Err(Trouble::Tls(reason)) if plan.tls == TlsUse::IfOffered => {
            tracing::info!(server = hop.name, reason, "TLS failed; going on without");
            greet(remote, plan, hop, address, TlsUse::Never).await
        }
        other => other,
    };
    tried.map_err(|trouble| trouble.failure(&label(hop, address)))
}

fn label(hop: &Hop, address: SocketAddr) -> String {
    format!("{} [{}]", hop.name, address.ip())
}

/// From the connection to the session that is ready.
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
        .map_err(Trouble::Connection)?;
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
        match session.advance(input, output).map_err(Trouble::Session)? {
            Event::NeedInput => {
                connection.flush().await.map_err(Trouble::Connection)?;
                if connection.fill().await.map_err(Trouble::Connection)? == 0 {
                    return Err(Trouble::Connection(SessionError::Closed));
                }
            }
            Event::StartTls => {
                shake_hands(&mut connection, authority, &hop.name).await?;
                session.tls_started(connection.output());
            }
            Event::Ready => break,
            // Only transactions have these.
            Event::SendContent | Event::Done(_) => {
                return Err(Trouble::Session(ClientError::BadReply));
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

/// What a server does not want, for a person.
fn refused(stage: Stage) -> &'static str {
    match stage {
        Stage::Greeting => "the connection",
        Stage::Hello => "our EHLO",
        Stage::StartTls => "STARTTLS",
        Stage::Login => "the login",
        Stage::Preflight | Stage::Mail | Stage::Recipient | Stage::Data | Stage::Content => "us",
    }
}

/// What went wrong with one server. All of it may be better later, or at another server.
enum Trouble {
    Connection(SessionError),
    Tls(String),
    Session(ClientError),
}

impl Trouble {
    fn failure(self, server: &str) -> Failure {
        let base = match self {
            Self::Connection(SessionError::Timeout) => {
                Failure::temporary("4.4.1", format!("{server} does not answer."))
            }
            Self::Connection(error) => {
                Failure::temporary("4.4.1", format!("No connection with {server}: {error}."))
            }
            Self::Tls(reason) => {
                Failure::temporary(NO_TLS, format!("No TLS with {server}: {reason}."))
            }
            Self::Session(ClientError::NoTls) => {
                Failure::temporary(NO_TLS, format!("{server} does not offer TLS."))
            }
            Self::Session(ClientError::Refused { stage, reply }) => {
                let words = brief(&reply);
                let reason = format!("{server} refused {}: {words}", refused(stage));
                Failure {
                    reply: words,
                    ..Failure::temporary("4.4.0", reason)
                }
            }
            Self::Session(error) => {
                Failure::temporary("4.5.0", format!("No session with {server}: {error}."))
            }
        };
        Failure {
            server: server.to_owned(),
            ..base
        }
    }
}
