//! Accepting connections, up to a number in all and from one address, until shutdown.

mod accept;
mod lanes;
mod limits;
mod places;
mod proxies;

use std::net::SocketAddr;
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Connection, SessionError};
use accept::Entrance;
pub use lanes::Lanes;
pub use limits::{Limits, MakeRoom};
use places::Places;
pub(crate) use places::{Place, Seat};
pub use proxies::Proxies;
use proxies::{Told, read_header};

/// Connections that the system holds until they are accepted.
const BACKLOG: i32 = 1024;

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
    let busy = limits.busy;
    let places = Places::new(limits);
    let mut entrance = Entrance::new(listener, places.clone(), busy);
    let handler = Arc::new(handler);
    loop {
        let (socket, peer) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = entrance.next() => accepted,
        };
        let proxied = proxies.are(peer.ip());
        let now = Instant::now();
        let place = if proxied {
            places.take_for_proxy(now)
        } else {
            places.take(peer.ip(), now)
        };
        let Some(place) = place else {
            refuse(&socket, peer, busy);
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
            let (handler, shutdown) = (Arc::clone(&handler), shutdown.clone());
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
    drop(entrance);
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
