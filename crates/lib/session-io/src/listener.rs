//! Accepting connections, up to a number in all and from one address, until shutdown.

mod lanes;
mod places;
mod proxies;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Connection, SessionError};
pub use lanes::Lanes;
use places::Places;
pub(crate) use places::{Place, Seat};
pub use proxies::Proxies;
use proxies::{Told, read_header};

/// Connections that the system holds until they are accepted.
const BACKLOG: i32 = 1024;

/// After an accept that failed for want of descriptors: time for others to be closed.
const PAUSE: Duration = Duration::from_millis(100);

/// What one listener takes on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time. When there are as many, a newcomer displaces the one that has been of
    /// no use for the longest, of those that offer their places ([`Connection::offer_place`]).
    pub total: usize,
    /// Of these, from one address (for IPv6: from one /64, which is what one customer has).
    pub per_address: usize,
    /// What a client is told when there is no room, such as `421 …\r\n`; nothing where the client
    /// expects TLS at once.
    pub busy: &'static [u8],
    /// How long a connection must have been of no use before it is displaced, or a quarter of that
    /// for one of the address with the most connections by an address with fewer; `None` displaces
    /// nobody.
    pub make_room_after: Option<Duration>,
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
    H: Fn(Connection) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (proxies, lanes) = (Proxies::default(), Lanes::here());
    let handler = move |connection, _| handler(connection);
    serve_behind(listener, limits, proxies, lanes, shutdown, handler).await;
}

/// The same behind proxies: their connections count for no address until they tell for whom they
/// come, by a header or later ([`Connection::told`]). And on several runtimes, of which `handler` gets
/// what is shared there.
pub async fn serve_behind<L, H, F>(
    listener: TcpListener,
    limits: Limits,
    proxies: Proxies,
    lanes: Lanes<L>,
    shutdown: CancellationToken,
    handler: H,
) where
    L: Send + Sync + 'static,
    H: Fn(Connection, Arc<L>) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = TaskTracker::new();
    let places = Places::new(&limits);
    let handler = Arc::new(handler);
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
        let proxied = proxies.are(peer.ip());
        let now = Instant::now();
        let place = if proxied {
            places.take_for_proxy(now)
        } else {
            places.take(peer.ip(), now)
        };
        let Some(place) = place else {
            refuse(&socket, peer, limits.busy);
            continue;
        };
        let (runtime, shared) = lanes.next();
        let socket = match moved(socket, &runtime) {
            Ok(socket) => socket,
            // The client has gone already.
            Err(error) => {
                tracing::debug!(%peer, %error, "a connection was lost at once");
                continue;
            }
        };
        if proxied && proxies.send_header() {
            let (handler, busy, shutdown) = (Arc::clone(&handler), limits.busy, shutdown.clone());
            let served = async move {
                let announced = announced(socket, peer, place, busy);
                match shutdown.run_until_cancelled(announced).await {
                    Some(Ok(Some(connection))) => handler(connection, shared).await,
                    // A balancer looks whether the port is open.
                    Some(Err(SessionError::Closed)) => {
                        tracing::debug!(%peer, "a proxy said nothing");
                    }
                    // Nobody to tell: what came was no session.
                    Some(Err(error)) => tracing::warn!(%peer, %error, "a proxy was not believed"),
                    Some(Ok(None)) | None => {}
                }
            };
            tasks.spawn_on(served, &runtime);
            continue;
        }
        match Connection::new(socket) {
            Ok(mut connection) => {
                connection.hold(place);
                tasks.spawn_on(handler(connection, shared), &runtime);
            }
            Err(error) => tracing::debug!(%peer, %error, "a connection was lost at once"),
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// A socket that leaves this runtime's reactor for that of its lane.
fn moved(socket: TcpStream, to: &Handle) -> std::io::Result<TcpStream> {
    let socket = socket.into_std()?;
    let _entered = to.enter();
    TcpStream::from_std(socket)
}

/// A connection whose proxy has told for whom it comes; nothing when that client has no room.
async fn announced(
    mut socket: TcpStream,
    proxy: SocketAddr,
    place: Place,
    busy: &'static [u8],
) -> Result<Option<Connection>, SessionError> {
    let header = read_header(&mut socket).await?;
    let Told { peer, local } = Told::by(header, proxy);
    let mut connection = Connection::new(socket)?;
    connection.hold(place);
    if connection.told(peer, local).is_ok() {
        return Ok(Some(connection));
    }
    metrics::counter!("postern_connections_refused_total").increment(1);
    tracing::debug!(%peer, %proxy, "too many connections");
    connection.output().extend_from_slice(busy);
    connection.flush().await?;
    connection.close().await?;
    Ok(None)
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
