//! Channels to other services: opened on first use, opened again after a loss.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{
    Certificate, Channel, ClientTlsConfig, Endpoint as TonicEndpoint, Identity, Uri,
};

use super::{
    CONNECTION_WINDOW, FRAME, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, RESETS, STREAM_WINDOW,
};
use crate::config::InternalTlsConfig;
use crate::{Endpoint, Error};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A channel to `endpoint` that connects when it is first used. Needs a Tokio runtime.
pub fn open_channel(
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
) -> Result<Channel, Error> {
    match endpoint {
        Endpoint::Unix(path) => Ok(unix(path)),
        Endpoint::Tcp { .. } => {
            let tls = tls.ok_or_else(|| Error::Endpoint {
                endpoint: endpoint.to_string(),
                reason: "services on TCP need [internal-tls]".to_owned(),
            })?;
            tcp(endpoint, client_tls(tls)?)
        }
    }
}

fn unix(path: &Path) -> Channel {
    let path: PathBuf = path.to_owned();
    // The URI is what requests carry as authority; the connector decides where they go.
    windows(TonicEndpoint::from_static("http://postern.internal")).connect_with_connector_lazy(
        tower::service_fn(move |_: Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        }),
    )
}

fn tcp(endpoint: &Endpoint, tls: ClientTlsConfig) -> Result<Channel, Error> {
    let tonic = TonicEndpoint::from_shared(endpoint.to_string())?
        .tls_config(tls)?
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    Ok(windows(tonic).connect_lazy())
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

fn client_tls(tls: &InternalTlsConfig) -> Result<ClientTlsConfig, Error> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| Error::file(path, error));
    Ok(ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read(&tls.ca)?))
        .identity(Identity::from_pem(read(&tls.certificate)?, read(&tls.key)?)))
}
