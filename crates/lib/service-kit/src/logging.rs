//! Logs (text or JSON, on standard error) and, if configured, traces to an OpenTelemetry collector.

mod escaping;

use std::io::{IsTerminal as _, Stderr};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tonic::transport::Uri;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::Error;
use crate::config::{LogFormat, SharedConfig};
use crate::log_writer::LogWriter;
use escaping::Escaping;

/// Timeout of an export: the end of a process waits for it.
const EXPORT: Duration = Duration::from_secs(3);

/// Target of the spans of gRPC calls.
const CALLS: &str = "grpc";

/// The target of the connection pool, which logs each connection that is rejected because the server is not
/// durable. The log states that once, as the reason for not being ready.
const POOL: &str = "sqlx_core::pool::inner";

/// Keeps traces and logs running. Dropping it sends what is still held.
pub(crate) struct Telemetry {
    provider: Option<SdkTracerProvider>,
    lines: LogWriter<Escaping<Stderr>>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.provider.take()
            && let Err(error) = provider.shutdown()
        {
            tracing::debug!(%error, "the last traces were not sent");
        }
        self.lines.flush();
    }
}

/// Starts logs and traces of the process `name`. To be called once per process.
pub(crate) fn start(name: &'static str, shared: &SharedConfig) -> Result<Telemetry, Error> {
    let filter = filter(&shared.log.level)
        .map_err(|error| Error::Config(format!("[log] level: {error}")))?;
    let escaping = match shared.log.format {
        LogFormat::Text => Escaping::text(std::io::stderr()),
        LogFormat::Json => Escaping::json(std::io::stderr()),
    };
    let writer = LogWriter::start(escaping)
        .map_err(|error| Error::Telemetry(format!("no thread writes the log: {error}")))?;
    let lines = match shared.log.format {
        LogFormat::Text => fmt::layer()
            .with_writer(writer.clone())
            .with_ansi(std::io::stderr().is_terminal())
            .boxed(),
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(writer.clone())
            .boxed(),
    };
    let provider = shared
        .telemetry
        .otlp_endpoint
        .as_deref()
        .map(|endpoint| tracer(name, endpoint))
        .transpose()?;
    // Traces have a filter of their own, independent of the log level.
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(name))
            .with_filter(
                Targets::new()
                    .with_default(Level::INFO)
                    .with_target(CALLS, Level::DEBUG),
            )
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(traces)
        .try_init()
        .map_err(|error| Error::Telemetry(error.to_string()))?;
    Ok(Telemetry {
        provider,
        lines: writer,
    })
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Parses the filter in the configuration.
pub(crate) fn filter(level: &str) -> Result<EnvFilter, String> {
    let use_one = "use off, error, warn, info, debug or trace, or such as info,queue=debug";
    // The crate would take a lone word for a module, and log nothing else.
    let alone = |word: &&str| !word.is_empty() && !word.contains(['=', '[', ':']);
    for word in level.split(',').map(str::trim).filter(alone) {
        if !LEVELS.iter().any(|known| word.eq_ignore_ascii_case(known)) {
            return Err(format!("`{word}` is not a level: {use_one}"));
        }
    }
    let filter = EnvFilter::builder()
        .parse(level)
        .map_err(|error| format!("`{level}`: {error}: {use_one}"))?;
    match format!("{POOL}=off").parse() {
        Ok(quiet) if !level.contains(POOL) => Ok(filter.add_directive(quiet)),
        _ => Ok(filter),
    }
}

/// Checks that traces can be sent to this endpoint.
pub(crate) fn check_endpoint(endpoint: &str) -> Result<(), String> {
    let is_one = endpoint.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
    });
    if is_one {
        return Ok(());
    }
    let shown = endpoint.escape_default();
    Err(format!(
        "`{shown}` is no URL of a collector: write it such as http://127.0.0.1:4317"
    ))
}

fn tracer(name: &'static str, endpoint: &str) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT)
        .build()
        .map_err(|error| Error::Telemetry(error.to_string()))?;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(
            Resource::builder()
                .with_service_name(format!("postern-{name}"))
                .build(),
        )
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_are_not_used_are_logged_only_where_that_is_asked_for() {
        for (level, quiet) in [
            ("info", true),
            ("warn,queue=debug", true),
            ("info,sqlx_core::pool::inner=debug", false),
        ] {
            let filter = filter(level).map(|filter| filter.to_string());
            let is_quiet = filter.map(|filter| filter.contains("sqlx_core::pool::inner=off"));
            assert_eq!(is_quiet, Ok(quiet), "{level}");
        }
    }
}
