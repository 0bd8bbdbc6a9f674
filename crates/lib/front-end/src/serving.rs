//! Accepts the connections of one listener within its limits, until shutdown.

use std::net::SocketAddr;
use std::sync::Arc;

use session_io::{Connection, SessionError};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::Entrance;
use crate::proxies::{Ends, ProxyError, read_header};
use crate::slots::{Slots, TakenSlot};
use crate::{Limits, Proxies, Shards};

/// Connections that the kernel queues until they are accepted.
const BACKLOG: i32 = 1024;

/// Opens a listener. The address may still be used by connections of an ended process.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` and `0.0.0.0` are separate listeners, so that the log shows which was used.
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// The terms on which a listener accepts connections.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) limits: Limits,
    /// The message to a client without a free slot.
    pub(crate) busy: &'static [u8],
    /// Their connections count for no address until the client's address is known, from a header or later
    /// ([`Connection::set_peer`]).
    pub(crate) proxies: Proxies,
}

/// Accepts connections and runs `handler` for each in a task of its own, on one of the shards. On
/// `shutdown` it stops accepting and waits for the handlers, which watch the shutdown themselves.
pub(crate) async fn serve<S, H, F>(
    listener: TcpListener,
    terms: Terms,
    shards: Shards<S>,
    shutdown: CancellationToken,
    handler: H,
) where
    S: Send + Sync + 'static,
    H: Fn(Connection, Arc<S>) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = TaskTracker::new();
    let busy = terms.busy;
    let slots = Slots::new(terms.limits);
    let mut entrance = Entrance::new(listener, slots.clone(), busy);
    let handler = Arc::new(handler);
    loop {
        let (socket, peer) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = entrance.next() => accepted,
        };
        let proxied = terms.proxies.are(peer.ip());
        let now = Instant::now();
        let slot = if proxied {
            slots.take_for_proxy(now)
        } else {
            slots.take(peer.ip(), now)
        };
        let Some(slot) = slot else {
            refuse(&socket, peer, busy);
            continue;
        };
        let (runtime, shared) = shards.next();
        let Ok(socket) = moved(socket, &runtime) else {
            // The client has already closed it.
            tracing::debug!(%peer, "a connection was lost at once");
            continue;
        };
        if proxied && terms.proxies.send_header() {
            let (handler, shutdown) = (Arc::clone(&handler), shutdown.clone());
            let served = async move {
                let announced = announced(socket, peer, slot, busy);
                let Some(announced) = shutdown.run_until_cancelled(announced).await else {
                    return;
                };
                if let Some(connection) = believed(announced, peer) {
                    handler(connection, shared).await;
                }
            };
            tasks.spawn_on(served, &runtime);
            continue;
        }
        match Connection::new(socket) {
            Ok(mut connection) => {
                connection.hold(Box::new(slot));
                tasks.spawn_on(handler(connection, shared), &runtime);
            }
            Err(error) => tracing::debug!(%peer, %error, "a connection was lost at once"),
        }
    }
    drop(entrance);
    tasks.close();
    tasks.wait().await;
}

/// Moves a socket from this runtime's reactor to that of its shard.
fn moved(socket: TcpStream, to: &Handle) -> std::io::Result<TcpStream> {
    let socket = socket.into_std()?;
    let _entered = to.enter();
    TcpStream::from_std(socket)
}

/// A proxy's connection with its client's address; none if the client gets no slot.
async fn announced(
    mut socket: TcpStream,
    proxy: SocketAddr,
    slot: TakenSlot,
    busy: &'static [u8],
) -> Result<Option<Connection>, ProxyError> {
    let header = read_header(&mut socket).await?;
    let Ends { peer, local } = Ends::by(header, proxy);
    let mut connection = Connection::new(socket)?;
    connection.hold(Box::new(slot));
    if connection.set_peer(peer, local).is_ok() {
        return Ok(Some(connection));
    }
    metrics::counter!("postern_connections_refused_total").increment(1);
    tracing::debug!(%peer, %proxy, "too many connections");
    connection.output().extend_from_slice(busy);
    connection.flush().await?;
    connection.close().await?;
    Ok(None)
}

/// A proxy's connection after its header. A failed connection gets no reply: no session has begun.
fn believed(
    announced: Result<Option<Connection>, ProxyError>,
    proxy: SocketAddr,
) -> Option<Connection> {
    announced.unwrap_or_else(|error| {
        match error {
            ProxyError::Silent | ProxyError::Session(SessionError::Closed) => {
                tracing::debug!(%proxy, %error, "a proxy's connection ended");
            }
            error => tracing::warn!(peer = %proxy, %error, "a proxy's connection was rejected"),
        }
        None
    })
}

/// Refuses a client for lack of slots, without waiting.
pub(crate) fn refuse(socket: &TcpStream, peer: SocketAddr, busy: &[u8]) {
    metrics::counter!("postern_connections_refused_total").increment(1);
    tracing::debug!(%peer, "too many connections");
    if !busy.is_empty()
        && let Err(error) = socket.try_write(busy)
    {
        tracing::debug!(%peer, %error, "the refusal was not sent");
    }
}

#[cfg(test)]
mod tests;
