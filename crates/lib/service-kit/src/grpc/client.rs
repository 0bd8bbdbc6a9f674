//! Channels to other services: opened on first use, opened again after a loss.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint as TonicEndpoint, Uri};

use super::{
    CONNECTION_WINDOW, FRAME, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, RESETS, STREAM_WINDOW,
    internal_tls, tcp,
};
use crate::config::InternalTlsConfig;
use crate::{Endpoint, Error};

/// What requests carry as authority. Where they go, and whether TLS is spoken there, is the
/// connector's.
const AUTHORITY: &str = "http://postern.internal";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A channel to `endpoint` that connects when it is first used. Needs a Tokio runtime.
pub fn open_channel(
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
) -> Result<Channel, Error> {
    match endpoint {
        Endpoint::Unix(path) => Ok(unix(path)),
        Endpoint::Tcp { host, port } => {
            let tls = tls.ok_or_else(|| Error::Endpoint {
                endpoint: endpoint.to_string(),
                reason: "services on TCP need [internal-tls]".to_owned(),
            })?;
            // What cannot be read now will not be there for the first call either.
            internal_tls::client(tls)?;
            Ok(tcp(host, *port, tls.clone()))
        }
    }
}

fn unix(path: &Path) -> Channel {
    let path: PathBuf = path.to_owned();
    windows(TonicEndpoint::from_static(AUTHORITY)).connect_with_connector_lazy(tower::service_fn(
        move |_: Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        },
    ))
}

fn tcp(host: &str, port: u16, tls: InternalTlsConfig) -> Channel {
    let host = host.to_owned();
    let endpoint = TonicEndpoint::from_static(AUTHORITY)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    windows(endpoint).connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
        let (host, tls) = (host.clone(), tls.clone());
        async move { tcp::connect(&host, port, &tls).await }
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
