//! The gRPC server of a process.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::{
    CONNECTION_WINDOW, FRAME, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, RESETS, Routes,
    STREAM_WINDOW, STREAMS, internal_tls, tcp, unix_socket,
};
use crate::config::InternalTlsConfig;
use crate::{Endpoint, Error};

/// How long streams may continue after shutdown has begun. Services end theirs by the shutdown token; this
/// limit is for peers that keep theirs open.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves `routes` on `endpoint` until `shutdown`, then drains. `bound` is called once it listens.
pub(crate) async fn serve(
    endpoint: &Endpoint,
    tls: Option<&InternalTlsConfig>,
    routes: Routes,
    shutdown: CancellationToken,
    bound: impl FnOnce(),
) -> Result<(), Error> {
    let mut server = Server::builder()
        .trace_fn(span)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .max_concurrent_streams(STREAMS)
        .http2_max_pending_accept_reset_streams(Some(RESETS))
        .http2_max_local_error_reset_streams(Some(RESETS))
        .tcp_nodelay(true);
    match endpoint {
        Endpoint::Unix(path) => {
            let socket = unix_socket::bind(path)?;
            bound();
            let router = server.add_routes(routes);
            let served = router.serve_with_incoming_shutdown(
                UnixListenerStream::new(socket.listener),
                shutdown.clone().cancelled_owned(),
            );
            let result = drained(served, &shutdown).await;
            unix_socket::remove(path);
            result
        }
        Endpoint::Tcp { host, port } => {
            let tls = tls.ok_or_else(|| Error::Endpoint {
                endpoint: endpoint.to_string(),
                reason: "to listen on TCP a service needs [internal-tls]".to_owned(),
            })?;
            // Unusable files are reported now.
            internal_tls::server(tls)?;
            let listener = TcpListener::bind((host.as_str(), *port))
                .await
                .map_err(|source| Error::Listen {
                    address: endpoint.to_string(),
                    source,
                })?;
            let router = server
                .http2_keepalive_interval(Some(KEEP_ALIVE_INTERVAL))
                .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
                .add_routes(routes);
            bound();
            let served = router.serve_with_incoming_shutdown(
                tcp::accept(listener, tls.clone(), shutdown.clone()),
                shutdown.clone().cancelled_owned(),
            );
            drained(served, &shutdown).await
        }
    }
}

/// One span for each call, for the traces; the log shows it at `debug`.
fn span(request: &tonic::codegen::http::Request<()>) -> tracing::Span {
    tracing::debug_span!(target: "grpc", "call", otel.name = request.uri().path())
}

/// Waits for the server to end, with a limit after `shutdown` has begun.
async fn drained(
    served: impl Future<Output = Result<(), tonic::transport::Error>>,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let limit = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        result = served => Ok(result?),
        () = limit => {
            tracing::warn!("gRPC streams were still open {} s after shutdown", DRAIN.as_secs());
            Ok(())
        }
    }
}
