//! Channels to other services: connected on first use, reconnected after a loss.

use std::net::SocketAddr;
use std::time::Duration;

use channel::Channel;
use tonic::transport::Endpoint as Http;

use super::dial::{Address, Dialer};
use super::{
    CONNECTION_WINDOW, FRAME, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, RESETS, STREAM_WINDOW,
    caller, internal_tls,
};
use crate::config::InternalTlsConfig;
use crate::{Endpoint, Error};

/// The authority in requests. The connector decides the address and the use of TLS.
const AUTHORITY: &str = "http://postern.internal";

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeouts of a caller with a waiting user.
#[derive(Clone, Copy, Debug)]
pub struct CallTimeouts {
    /// Until the answer begins; `None` for unlimited.
    pub answer: Option<Duration>,
    /// Longest silence while an answer is awaited: a process that hangs answers no ping.
    pub silence: Duration,
}

/// A channel to all replicas of the service at `endpoints`. It connects on first use. Needs a Tokio runtime.
pub fn open_channel(
    endpoints: &[Endpoint],
    tls: Option<&InternalTlsConfig>,
) -> Result<Channel, Error> {
    open_patiently(endpoints, tls, Http::from_static(AUTHORITY))
}

/// The same, with the caller's name, which is its only identification on a Unix socket.
pub(crate) fn open_channel_as(
    process: &str,
    endpoints: &[Endpoint],
    tls: Option<&InternalTlsConfig>,
) -> Result<Channel, Error> {
    let http = Http::from_static(AUTHORITY).user_agent(caller::user_agent(process))?;
    open_patiently(endpoints, tls, http)
}

fn open_patiently(
    endpoints: &[Endpoint],
    tls: Option<&InternalTlsConfig>,
    mut http: Http,
) -> Result<Channel, Error> {
    if endpoints
        .iter()
        .any(|one| matches!(one, Endpoint::Tcp { .. }))
    {
        http = http
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
    }
    open(endpoints, tls, http)
}

/// Like [`open_channel`], for calls with timeouts.
pub fn open_channel_within(
    endpoints: &[Endpoint],
    tls: Option<&InternalTlsConfig>,
    timeouts: CallTimeouts,
) -> Result<Channel, Error> {
    open(endpoints, tls, limited(timeouts))
}

/// A channel to one process at `address`, which must have a certificate for `name`.
pub(crate) fn open_channel_at(
    address: SocketAddr,
    name: &str,
    tls: &InternalTlsConfig,
    timeouts: Option<CallTimeouts>,
) -> Result<Channel, Error> {
    let http = timeouts.map_or_else(|| Http::from_static(AUTHORITY), limited);
    internal_tls::client(tls)?;
    let address = Address::At {
        name: name.to_owned(),
        address,
    };
    Ok(channel(vec![address], Some(tls), http))
}

fn limited(timeouts: CallTimeouts) -> Http {
    let limited = Http::from_static(AUTHORITY)
        .http2_keep_alive_interval(timeouts.silence / 2)
        .keep_alive_timeout(timeouts.silence / 2);
    match timeouts.answer {
        Some(answer) => limited.timeout(answer),
        None => limited,
    }
}

fn open(
    endpoints: &[Endpoint],
    tls: Option<&InternalTlsConfig>,
    http: Http,
) -> Result<Channel, Error> {
    for endpoint in endpoints {
        if matches!(endpoint, Endpoint::Tcp { .. }) {
            let tls = tls.ok_or_else(|| Error::Endpoint {
                endpoint: endpoint.to_string(),
                reason: "services on TCP need [internal-tls]".to_owned(),
            })?;
            // Files that cannot be read now would make the first call fail.
            internal_tls::client(tls)?;
        }
    }
    let addresses = endpoints.iter().cloned().map(Address::Endpoint).collect();
    Ok(channel(addresses, tls, http))
}

fn channel(addresses: Vec<Address>, tls: Option<&InternalTlsConfig>, http: Http) -> Channel {
    let http = http
        .connect_timeout(CONNECT_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .http2_max_concurrent_reset_streams(RESETS)
        .http2_max_local_error_reset_streams(RESETS);
    Channel::new(Dialer::new(addresses, tls.cloned(), http))
}
