//! Connections to servers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use super::Connection;
use crate::{ClientTls, SessionError};

impl Connection {
    /// Connects without TLS; [`Connection::start_client_tls`] may follow.
    pub async fn connect(address: SocketAddr, patience: Duration) -> Result<Self, SessionError> {
        Self::connected(TcpStream::connect(address), patience).await
    }

    /// As [`Connection::connect`], from the local address `source`.
    pub async fn connect_from(
        source: IpAddr,
        address: SocketAddr,
        patience: Duration,
    ) -> Result<Self, SessionError> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.bind(SocketAddr::new(source, 0))?;
        Self::connected(socket.connect(address), patience).await
    }

    /// Connects with implicit TLS.
    pub async fn connect_tls(
        address: SocketAddr,
        name: &str,
        tls: &ClientTls,
        patience: Duration,
    ) -> Result<Self, SessionError> {
        let mut connection = Self::connect(address, patience).await?;
        connection.set_timeout(patience);
        connection.start_client_tls(tls, name).await?;
        Ok(connection)
    }

    /// Connects to a host by name, with the system's resolver, trying its addresses in turn.
    pub async fn connect_host(
        host: &str,
        port: u16,
        patience: Duration,
    ) -> Result<Self, SessionError> {
        let found = timeout(patience, lookup_host((host, port))).await;
        let addresses = found
            .map_err(|_| SessionError::Timeout)?
            .map_err(|_| SessionError::NoAddress(host.to_owned()))?;
        let mut last = SessionError::NoAddress(host.to_owned());
        for address in addresses {
            match Self::connect(address, patience).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connected(
        connecting: impl Future<Output = std::io::Result<TcpStream>>,
        patience: Duration,
    ) -> Result<Self, SessionError> {
        match timeout(patience, connecting).await {
            Ok(socket) => Self::new(socket?),
            Err(_) => Err(SessionError::Timeout),
        }
    }
}
