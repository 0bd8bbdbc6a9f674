//! The proxies before a listener, and what they tell of the clients behind them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rules::Network;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::SessionError;
use crate::proxy_header::{Progress, ProxyHeader};

/// A proxy tells first of all for whom it comes: it has nothing to wait for.
const PATIENCE: Duration = Duration::from_secs(10);
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

    /// Whether they begin with a header.
    pub(crate) fn send_header(&self) -> bool {
        self.header
    }
}

/// Reads the header and nothing behind it: TLS may begin with the next octet.
pub(super) async fn read_header(socket: &mut TcpStream) -> Result<ProxyHeader, SessionError> {
    match timeout(PATIENCE, read_untimed(socket)).await {
        Ok(header) => header,
        Err(_) => Err(SessionError::Timeout),
    }
}

async fn read_untimed(socket: &mut TcpStream) -> Result<ProxyHeader, SessionError> {
    let mut octets = Vec::new();
    loop {
        let taken = octets.len();
        let mut window = [0; WINDOW];
        let seen = socket.peek(&mut window).await?;
        if seen == 0 {
            return Err(SessionError::Closed);
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

/// What is known of a connection's ends once its proxy has spoken.
pub(crate) struct Told {
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
}

impl Told {
    pub(super) fn by(header: ProxyHeader, proxy: SocketAddr) -> Self {
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
