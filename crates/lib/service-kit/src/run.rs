//! From `main` to the end of the process.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::arguments::{Arguments, Mode, usage};
use crate::config::{Loaded, Reference, environment, load};
use crate::health::{self, Health};
use crate::privileges::Unprivileged;
use crate::shards::Shards;
use crate::{
    Endpoint, Error, Service, check, logging, memory, metrics_listener, open_files, privileges,
    signals,
};

/// Default time to drain: shorter than the 30 s after which Kubernetes kills.
const DRAIN_SECONDS: u64 = 25;

/// How long remaining tasks may take to leave the runtime.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// The whole `main` of a service: reads the command line and the configuration, sets the process up, runs
/// `body` until it ends, and returns the exit code.
pub fn run<C, F, Fut>(name: &'static str, body: F) -> ExitCode
where
    C: DeserializeOwned + JsonSchema + Send + 'static,
    F: FnOnce(C, Service) -> Fut + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    run_with(None, name, body)
}

/// As [`run`], for a service that computes while other clients wait. It has at least `least` threads, unless
/// configured; they are [`Service::shards`].
pub fn run_in_shards<C, F, Fut>(least: usize, name: &'static str, body: F) -> ExitCode
where
    C: DeserializeOwned + JsonSchema + Send + 'static,
    F: FnOnce(C, Service) -> Fut + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    run_with(Some(least), name, body)
}

fn run_with<C, F, Fut>(least_shards: Option<usize>, name: &'static str, body: F) -> ExitCode
where
    C: DeserializeOwned + JsonSchema + Send + 'static,
    F: FnOnce(C, Service) -> Fut + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(reason) => return fail(&format!("{reason}\n\n{}", usage(name)), ExitCode::from(2)),
    };
    let done = match arguments.mode {
        Mode::Version => say(&format!("postern-{name} {}", env!("CARGO_PKG_VERSION"))),
        Mode::Help => say(&usage(name)),
        Mode::Reference => reference::<C>(name),
        Mode::Check | Mode::Health | Mode::Live | Mode::Serve => {
            in_its_folder(arguments).and_then(|arguments| match arguments.mode {
                Mode::Check => check_configuration::<C>(name, &arguments),
                Mode::Health => check_health(name, &arguments),
                Mode::Live => check_life(name, &arguments),
                _ => serve(least_shards, name, &arguments, body),
            })
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("postern-{name}: {error:#}"), ExitCode::FAILURE),
    }
}

/// Changes to the folder of the configuration: its paths are relative to that folder, so that it can be moved
/// and copied.
fn in_its_folder(arguments: Arguments) -> anyhow::Result<Arguments> {
    let file = std::path::absolute(&arguments.file)
        .map_err(|error| Error::file(&arguments.file, error))?;
    if let Some(folder) = file.parent().filter(|_| file.exists()) {
        std::env::set_current_dir(folder).map_err(|error| Error::file(folder, error))?;
    }
    Ok(Arguments { file, ..arguments })
}

fn serve<C, F, Fut>(
    least_shards: Option<usize>,
    name: &'static str,
    arguments: &Arguments,
    body: F,
) -> anyhow::Result<()>
where
    C: DeserializeOwned + JsonSchema + Send + 'static,
    F: FnOnce(C, Service) -> Fut + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let loaded: Loaded<C> = load(
        name,
        &arguments.file,
        arguments.file_required,
        &environment(),
    )?;
    memory::without_huge_pages();
    privileges::never_gain_more();
    // The default provider of crates that make TLS configurations without naming one.
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a TLS provider is installed already");
    }
    let configured = loaded.shared.threads.map(|threads| threads.max(1));
    let (shared, shards) = match least_shards {
        None => (configured, 0),
        Some(least) => (
            None,
            configured.unwrap_or_else(|| usual_threads().max(least)),
        ),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(shared.unwrap_or_else(usual_threads))
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let entered = runtime.enter();
    let telemetry = logging::start(name, &loaded.shared)?;
    let unprivileged = Unprivileged::find(name, &loaded);
    if let Some(user) = &unprivileged {
        user.prepare()?;
        if !loaded.has_listeners {
            user.become_it()?;
        }
    }
    let shards = Shards::start(shards)?;
    // As a task: on this thread, the runtime's thread would have to wake it for each event.
    let service = Service::new(name, loaded.shared.clone())
        .in_shards(shards.handles().into())
        .showing_metrics(loaded.metrics.is_some())
        .becoming(unprivileged);
    let serving = serve_until_shutdown(service, loaded, body);
    let result = runtime
        .block_on(runtime.spawn(serving))
        .unwrap_or_else(|error| Err(anyhow::anyhow!("the service failed: {error}")));
    shards.end(LEFT_BEHIND);
    // The rest of the traces is sent over the runtime: none of its own threads may wait for that.
    drop((telemetry, entered));
    runtime.shutdown_timeout(LEFT_BEHIND);
    result
}

/// Default number of threads. The processes of a system share a machine, and each batch of work passes
/// several of them: threads that wake each other within one process cost more than they bring while other
/// processes need the processors.
fn usual_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| (processors.get() / 2).max(1))
}

async fn serve_until_shutdown<C, F, Fut>(
    service: Service,
    loaded: Loaded<C>,
    body: F,
) -> anyhow::Result<()>
where
    F: FnOnce(C, Service) -> Fut + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    open_files::allow_many();
    let name = service.name;
    let delay = service.shared.drain_delay_seconds.unwrap_or_default();
    signals::watch(service.clone(), Duration::from_secs(delay))?;
    metrics_listener::start(name, loaded.metrics, service.shutdown.clone()).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting {name}");
    let health = loaded.health.map(|listen| {
        let service = service.clone();
        tokio::spawn(async move {
            if let Err(error) = service.serve_health(&listen).await {
                tracing::error!(%error, "the health service failed");
                service.shutdown.cancel();
            }
        })
    });
    let result = tokio::select! {
        result = body(loaded.own, service.clone()) => result,
        seconds = drain_is_over(&service) => {
            tracing::warn!(seconds, "not drained in time");
            Err(anyhow::anyhow!("not drained within {seconds} s"))
        }
    };
    service.not_ready();
    // Background tasks end with the process; the health service removes its socket.
    service.shutdown.cancel();
    if let Some(health) = health
        && tokio::time::timeout(LEFT_BEHIND, health).await.is_err()
    {
        tracing::debug!("a client of the health service keeps its stream open");
    }
    match &result {
        Ok(()) => tracing::info!("ended"),
        Err(error) => tracing::error!(error = format!("{error:#}"), "failed"),
    }
    result
}

/// Completes when a shutdown has taken too long; returns its time in seconds.
async fn drain_is_over(service: &Service) -> u64 {
    let seconds = service.shared.drain_seconds.unwrap_or(DRAIN_SECONDS);
    service.shutdown.cancelled().await;
    service.not_ready();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    seconds
}

fn check_configuration<C: DeserializeOwned + JsonSchema>(
    name: &str,
    arguments: &Arguments,
) -> anyhow::Result<()> {
    let problems = check::problems::<C>(name, arguments);
    if problems.is_empty() {
        return say(&format!("{}: well", arguments.file.display()));
    }
    Err(Error::Config(problems.join("\n")).into())
}

fn reference<C: JsonSchema>(name: &str) -> anyhow::Result<()> {
    let reference = Reference::of::<C>(name);
    say(&serde_json::to_string(&reference).context("writing the reference")?)
}

/// The section of any service: only the common keys matter to `--health` and `--live`.
#[derive(Deserialize, JsonSchema)]
struct AnySection {}

fn check_health(name: &'static str, arguments: &Arguments) -> anyhow::Result<()> {
    match ask(name, arguments)? {
        Health::Ready => say("serving"),
        Health::NotReady(why) => bail!("not ready: {why}"),
    }
}

fn check_life(name: &'static str, arguments: &Arguments) -> anyhow::Result<()> {
    match ask(name, arguments)? {
        Health::Ready => say("lives and serves"),
        Health::NotReady(why) => say(&format!("lives; not ready: {why}")),
    }
}

/// Asks the process that runs with this configuration.
fn ask(name: &'static str, arguments: &Arguments) -> anyhow::Result<Health> {
    let loaded: Loaded<AnySection> = load(
        name,
        &arguments.file,
        arguments.file_required,
        &environment(),
    )?;
    let Some(endpoint) = loaded.health_endpoint else {
        bail!("the configuration has neither {name}.health nor {name}.listen");
    };
    let endpoint = reachable(endpoint.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let asked = health::ask(&endpoint, loaded.shared.internal_tls.as_ref());
    Ok(runtime.block_on(asked)?)
}

/// A process that listens on all addresses is asked on the loopback address, by the name in every internal
/// certificate.
fn reachable(endpoint: Endpoint) -> Endpoint {
    match endpoint {
        Endpoint::Tcp { host, port } if matches!(host.as_str(), "0.0.0.0" | "::") => {
            Endpoint::Tcp {
                host: "localhost".to_owned(),
                port,
            }
        }
        other => other,
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| Error::file("standard output", error))?;
    Ok(())
}

fn fail(text: &str, code: ExitCode) -> ExitCode {
    // If standard error is gone too, nothing can be reported.
    let _ = writeln!(std::io::stderr(), "{text}");
    code
}
