//! The proxies before a listener, and what they tell of the clients behind them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rules::Network;
use session_io::SessionError;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::proxy_header::{Progress, ProxyHeader, ProxyHeaderError};

/// A proxy tells first of all for whom it comes: it has nothing to wait for.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Looked at in one go; a longer header takes another.
const WINDOW: usize = 1024;

/// Named proxies; none unless some are named.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    networks: Vec<Network>,
    header: bool,
}

impl Proxies {
    /// Those with addresses in `networks`; with `header` they begin each connection with a PROXY
    /// header, and one without is closed.
    pub fn new(networks: Vec<Network>, header: bool) -> Self {
        Self { networks, header }
    }

    /// Whether this address is that of a named proxy. From elsewhere nothing is believed.
    pub fn are(&self, address: IpAddr) -> bool {
        let mut networks = self.networks.iter();
        networks.any(|network| network.contains(address))
    }

    /// Whether none are named.
    pub fn are_none(&self) -> bool {
        self.networks.is_empty()
    }

    /// Whether they begin with a header.
    pub(crate) fn send_header(&self) -> bool {
        self.header
    }
}

/// Why a proxy's connection is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// It went without a word, as a balancer does that looks whether the port is open.
    #[error("the proxy said nothing")]
    Silent,
    /// What came is no header.
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

/// Reads the header and nothing behind it: TLS may begin with the next octet.
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
        // What was seen belongs to the header as long as that is not complete.
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

/// A connection's ends, as its proxy tells them.
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
