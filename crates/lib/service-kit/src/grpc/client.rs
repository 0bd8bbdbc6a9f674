//! Channels to other services: opened on first use, opened again after a loss.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint as TonicEndpoint, Uri};

use super::{
    CONNECTION_WINDOW, FRAME, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, RESETS, STREAM_WINDOW,
    caller, internal_tls, tcp,
};
use crate::config::InternalTlsConfig;
use crate::{Endpoint, Error};

/// What requests carry as authority. Where they go, and whether TLS is spoken there, is the
/// connector's.
const AUTHORITY: &str = "http://postern.internal";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a caller waits that has a person before it.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the beginning of an answer; `None` for what takes as long as it takes.
    pub answer: Option<Duration>,
    /// For any sign of life while an answer is awaited: a process that hangs answers no ping.
    pub silence: Duration,
}

/// A channel to `endpoint` that connects when it is first used. Needs a Tokio runtime.
pub fn open_channel(
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
) -> Result<Channel, Error> {
    open_patiently(endpoint, tls, TonicEndpoint::from_static(AUTHORITY))
}

/// The same, for a process that says who it is: on a Unix socket nothing else does.
pub(crate) fn open_channel_as(
    process: &str,
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
) -> Result<Channel, Error> {
    let channel = TonicEndpoint::from_static(AUTHORITY).user_agent(caller::user_agent(process))?;
    open_patiently(endpoint, tls, channel)
}

fn open_patiently(
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
    mut channel: TonicEndpoint,
) -> Result<Channel, Error> {
    if matches!(endpoint, Endpoint::Tcp { .. }) {
        channel = channel
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
    }
    open(endpoint, tls, channel)
}

/// Like [`open_channel`], for calls that fail when the other side does not answer in time.
pub fn open_channel_within(
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
    patience: Patience,
) -> Result<Channel, Error> {
    open(endpoint, tls, limited(patience))
}

/// A channel to one process, at `address`, that shows a certificate for `name`.
pub(crate) fn open_channel_at(
    address: SocketAddr,
    name: &str,
    tls: &InternalTlsConfig,
    patience: Option<Patience>,
) -> Result<Channel, Error> {
    let channel = patience.map_or_else(|| TonicEndpoint::from_static(AUTHORITY), limited);
    internal_tls::client(tls)?;
    Ok(tcp(
        name,
        address.ip().to_string(),
        address.port(),
        tls.clone(),
        channel,
    ))
}

fn limited(patience: Patience) -> TonicEndpoint {
    let limited = TonicEndpoint::from_static(AUTHORITY)
        .http2_keep_alive_interval(patience.silence / 2)
        .keep_alive_timeout(patience.silence / 2);
    match patience.answer {
        Some(answer) => limited.timeout(answer),
        None => limited,
    }
}

fn open(
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
    channel: TonicEndpoint,
) -> Result<Channel, Error> {
    match endpoint {
        Endpoint::Unix(path) => Ok(unix(path, channel)),
        Endpoint::Tcp { host, port } => {
            let tls = tls.ok_or_else(|| Error::Endpoint {
                endpoint: endpoint.to_string(),
                reason: "services on TCP need [internal-tls]".to_owned(),
            })?;
            // What cannot be read now will not be there for the first call either.
            internal_tls::client(tls)?;
            Ok(tcp(host, host.clone(), *port, tls.clone(), channel))
        }
    }
}

fn unix(path: &Path, channel: TonicEndpoint) -> Channel {
    let path: PathBuf = path.to_owned();
    windows(channel).connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    }))
}

fn tcp(
    name: &str,
    host: String,
    port: u16,
    tls: InternalTlsConfig,
    channel: TonicEndpoint,
) -> Channel {
    let name = name.to_owned();
    windows(channel).connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
        let (name, host, tls) = (name.clone(), host.clone(), tls.clone());
        async move { tcp::connect(&name, &host, port, &tls).await }
    }))
}

fn windows(endpoint: TonicEndpoint) -> TonicEndpoint {
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .http2_max_concurrent_reset_streams(RESETS)
        .http2_max_local_error_reset_streams(RESETS)
}
