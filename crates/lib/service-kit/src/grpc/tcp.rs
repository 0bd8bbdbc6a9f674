//! gRPC over TCP: connections with a finished TLS handshake, incoming and outgoing.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::client::CONNECT_TIMEOUT;
use super::internal_tls;
use crate::config::InternalTlsConfig;

/// Timeout of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Pause after an accept that failed for lack of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

type Accepted = io::Result<server::TlsStream<TcpStream>>;

/// Accepts until `shutdown`. Handshakes run concurrently: a slow peer delays no other.
pub(super) fn accept(
    listener: TcpListener,
    tls: InternalTlsConfig,
    shutdown: CancellationToken,
) -> ReceiverStream<Accepted> {
    let (sender, accepted) = mpsc::channel(1);
    tokio::spawn(shutdown.run_until_cancelled_owned(async move {
        loop {
            match listener.accept().await {
                Ok((socket, _)) => {
                    tokio::spawn(hand_over(socket, tls.clone(), sender.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }));
    ReceiverStream::new(accepted)
}

async fn hand_over(socket: TcpStream, tls: InternalTlsConfig, sender: mpsc::Sender<Accepted>) {
    let peer = socket.peer_addr();
    match timely(shake_hands(socket, &tls)).await {
        // The server may have shut down meanwhile.
        Ok(stream) => drop(sender.send(Ok(stream)).await),
        Err(error) => tracing::warn!(?peer, %error, "TLS handshake with a service failed"),
    }
}

async fn shake_hands(socket: TcpStream, tls: &InternalTlsConfig) -> Accepted {
    socket.set_nodelay(true)?;
    let config = internal_tls::server(tls).map_err(io::Error::other)?;
    TlsAcceptor::from(config).accept(socket).await
}

/// Connects to the service at the first reachable address. The service must have a certificate for `name`.
pub(super) async fn connect(
    name: &str,
    addresses: &[SocketAddr],
    tls: &InternalTlsConfig,
) -> io::Result<client::TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    let config = internal_tls::client(tls).map_err(io::Error::other)?;
    timely(async {
        let socket = reach(addresses).await?;
        socket.set_nodelay(true)?;
        TlsConnector::from(config).connect(name, socket).await
    })
    .await
}

/// Connects to the first address that answers. An address that drops packets costs only its share of the
/// time.
async fn reach(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let shares = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let share = CONNECT_TIMEOUT / shares.saturating_add(1);
    let mut failure = io::ErrorKind::NotFound.into();
    for address in addresses {
        failure = match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
    }
    Err(failure)
}

async fn timely<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(HANDSHAKE, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
