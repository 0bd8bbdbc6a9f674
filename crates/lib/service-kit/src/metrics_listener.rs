//! Prometheus: the recorder of the `metrics` macros, and the HTTP listener that shows it.
//!
//! Each connection serves one request, whatever its path: no HTTP server is needed for that.

use std::net::SocketAddr;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::{Error, process_metrics};

/// The largest request.
const LARGEST_REQUEST: usize = 8 * 1024;

/// Timeout of a request and of its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Interval between compactions of histograms.
const UPKEEP: Duration = Duration::from_secs(5);

/// Suffix of histograms of sizes, such as messages in a transaction.
const BATCH: &str = "_batch";
const BATCH_BUCKETS: [f64; 11] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];

/// Upper bounds in seconds, for histograms of durations, which are all others.
const BUCKETS: [f64; 14] = [
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// Installs the recorder and, if `address` is given, its listener. To be called once per process.
pub(crate) async fn start(
    name: &'static str,
    address: Option<SocketAddr>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let Some(address) = address else {
        return Ok(());
    };
    let handle = builder(name)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Error::Telemetry(error.to_string()))?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen {
            address: address.to_string(),
            source,
        })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "metrics");
    }
    tokio::spawn(shutdown.run_until_cancelled_owned(serve(name, listener, handle)));
    Ok(())
}

fn builder(name: &'static str) -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .add_global_label("process", name)
        .set_buckets(&BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix(BATCH.to_owned()), &BATCH_BUCKETS)
}

async fn serve(name: &'static str, listener: TcpListener, handle: PrometheusHandle) {
    let mut upkeep = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            _ = upkeep.tick() => handle.run_upkeep(),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let mut page = handle.render();
                    process_metrics::add_to(&mut page, name);
                    tokio::spawn(tokio::time::timeout(REQUEST_TIMEOUT, answer(stream, page)));
                }
                Err(error) => {
                    tracing::debug!(%error, "metrics listener");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
}

/// Reads a request up to its empty line and answers with the page.
async fn answer(mut stream: TcpStream, page: String) -> std::io::Result<()> {
    let mut request = Vec::with_capacity(1024);
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        if request.len() > LARGEST_REQUEST || stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        page.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(page.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.
    use super::*;

    #[tokio::test]
    async fn a_scrape_is_answered_with_the_page() {
        let recorder = builder("queue").unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("postern_test_total").increment(3);
            metrics::histogram!("postern_test_batch").record(100.0);
            metrics::histogram!("postern_test_seconds").record(0.02);
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve("queue", listener, handle));
        let mut client = TcpStream::connect(address).await.unwrap();
        client
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
        for line in [
            "postern_test_total{process=\"queue\"} 3",
            "postern_test_batch_bucket{process=\"queue\",le=\"64\"} 0",
            "postern_test_batch_bucket{process=\"queue\",le=\"128\"} 1",
            "postern_test_seconds_bucket{process=\"queue\",le=\"0.025\"} 1",
        ] {
            assert!(answer.contains(&format!("{line}\n")), "{answer}");
        }
        assert!(answer.contains("process_cpu_seconds_total{"), "{answer}");
        server.abort();
    }
}
