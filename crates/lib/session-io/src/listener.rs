//! Accepting connections, up to a number in all and from one address, until shutdown.

mod places;

use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Connection;
use places::Places;

/// Connections that the system holds until they are accepted.
const BACKLOG: i32 = 1024;

/// After an accept that failed for want of descriptors: time for others to be closed.
const PAUSE: Duration = Duration::from_millis(100);

/// What one listener takes on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub total: usize,
    /// Of these, from one address (for IPv6: from one /64, which is what one customer has).
    pub per_address: usize,
    /// What a client is told when there is no room, such as `421 …\r\n`; nothing where the client
    /// expects TLS at once.
    pub busy: &'static [u8],
}

/// Opens a listener. The address may be in use by connections of a process that has ended.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` and `0.0.0.0` are two listeners, so that the log says which was meant.
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts connections and hands each to `handler` in a task of its own. On `shutdown` accepts no
/// more and waits for the handlers to end, which watch the shutdown themselves.
pub async fn serve<H, F>(
    listener: TcpListener,
    limits: Limits,
    shutdown: CancellationToken,
    handler: H,
) where
    H: Fn(Connection) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = TaskTracker::new();
    let places = Places::new(limits.total, limits.per_address);
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = tokio::time::sleep(PAUSE) => continue,
                }
            }
        };
        let Some(place) = places.take(peer.ip()) else {
            refuse(&socket, peer, limits.busy);
            continue;
        };
        match Connection::new(socket) {
            Ok(connection) => {
                let handled = handler(connection);
                tasks.spawn(async move {
                    handled.await;
                    drop(place);
                });
            }
            // The client has gone already.
            Err(error) => tracing::debug!(%peer, %error, "a connection was lost at once"),
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// Tells a client that there is no room, as far as that takes no waiting.
fn refuse(socket: &TcpStream, peer: SocketAddr, busy: &[u8]) {
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
