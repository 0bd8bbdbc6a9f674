//! The proxies in front of a listener, and the client addresses that they give.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rules::Network;
use session_io::SessionError;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::proxy_header::{Progress, ProxyHeader, ProxyHeaderError};

/// Time limit of the header: a proxy sends it first, without waiting.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Octets inspected at once; a longer header takes several rounds.
const WINDOW: usize = 1024;

/// The named proxies; may be empty.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    networks: Vec<Network>,
    header: bool,
}

impl Proxies {
    /// Proxies with addresses in `networks`. With `header` each of their connections must begin with a
    /// PROXY header, or it is closed.
    pub fn new(networks: Vec<Network>, header: bool) -> Self {
        Self { networks, header }
    }

    /// Whether this address is a named proxy's. Other addresses are not believed.
    pub fn are(&self, address: IpAddr) -> bool {
        let mut networks = self.networks.iter();
        networks.any(|network| network.contains(address))
    }

    /// Whether no proxy is named.
    pub fn are_none(&self) -> bool {
        self.networks.is_empty()
    }

    /// Whether they send a header.
    pub(crate) fn send_header(&self) -> bool {
        self.header
    }
}

/// The reason for closing a proxy's connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// Closed without data, as a load balancer does to check the port.
    #[error("the proxy sent nothing")]
    Silent,
    /// The data is no header.
    #[error(transparent)]
    Header(#[from] ProxyHeaderError),
    /// The connection failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl From<std::io::Error> for ProxyError {
    fn from(error: std::io::Error) -> Self {
        Self::Session(error.into())
    }
}

/// Reads the header and nothing after it: TLS may begin with the next octet.
pub(crate) async fn read_header(socket: &mut TcpStream) -> Result<ProxyHeader, ProxyError> {
    match timeout(HEADER_TIMEOUT, read_untimed(socket)).await {
        Ok(header) => header,
        Err(_) => Err(SessionError::Timeout.into()),
    }
}

async fn read_untimed(socket: &mut TcpStream) -> Result<ProxyHeader, ProxyError> {
    let mut octets = Vec::new();
    loop {
        let taken = octets.len();
        let mut window = [0; WINDOW];
        let seen = socket.peek(&mut window).await?;
        if seen == 0 {
            return Err(ProxyError::Silent);
        }
        octets.extend_from_slice(&window[..seen]);
        let progress = ProxyHeader::read(&octets)?;
        // Inspected octets belong to the header while it is incomplete.
        let own = match progress {
            Progress::Complete(_, length) => length - taken,
            Progress::Incomplete => seen,
        };
        socket.read_exact(&mut window[..own]).await?;
        if let Progress::Complete(header, _) = progress {
            return Ok(header);
        }
    }
}

/// The two addresses of a connection, as given by its proxy.
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
}

impl Ends {
    pub(crate) fn by(header: ProxyHeader, proxy: SocketAddr) -> Self {
        match header {
            ProxyHeader::Unspecified => Self {
                peer: proxy,
                local: None,
            },
            ProxyHeader::Addresses {
                source,
                destination,
            } => Self {
                peer: source,
                local: Some(destination),
            },
        }
    }
}
