//! Start, serving and shutdown of the service.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use api::collection::v1::collection_server::CollectionServer;
use api::policy::v1::policy_server::PolicyServer;
use api::queue::v1::quarantine_server::QuarantineServer;
use api::queue::v1::queue_server::QueueServer;
use api::queue::v1::refusals_server::RefusalsServer;
use api::queue::v1::storage_server::StorageServer;
use api::throttle::v1::throttle_server::ThrottleServer;
use database::{Fitness, Unfit};
use service_kit::{OpenGrpc, Routes, Service};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vault::Vault;

use crate::clock::Clock;
use crate::collection::CollectionService;
use crate::config::Config;
use crate::engine::Engine;
use crate::policy::{Policies, PolicyService};
use crate::quarantine::QuarantineService;
use crate::refusals::RefusalService;
use crate::service::QueueService;
use crate::storage::StorageService;
use crate::throttle::ThrottleService;
use crate::{
    MESSAGE_LIMIT, MIGRATIONS, complete, enqueue, gauges, lease, notification, secret_key, upkeep,
};

/// Pause before the preparation of a database is retried.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until shutdown.
pub async fn run(config: Config, service: Service) -> anyhow::Result<()> {
    run_with_clock(config, service, Clock::of_database()).await
}

/// Serves until shutdown, by the given clock. Pauses use the machine's clock.
pub async fn run_with_clock(config: Config, service: Service, clock: Clock) -> anyhow::Result<()> {
    // Health is answered while the service waits for the database.
    let listener = service.open_grpc(&config.listen).await?;
    let preparing = prepare(&config, &service, clock.clone());
    let Some(prepared) = service.shutdown.run_until_cancelled(preparing).await else {
        return Ok(listener.ended().await?);
    };
    let Prepared {
        engine,
        vault,
        policies,
    } = prepared?;
    let pool = engine.pool.clone();
    let keep = upkeep::KeepDays::of(&config);
    let shutdown = service.shutdown.clone();

    let mut writers = JoinSet::new();
    let (jobs, inbox) = enqueue::inbox();
    for writer in inbox.writers(config.writers.max(1)) {
        writers.spawn(enqueue::write(Arc::clone(&engine), writer));
    }
    let (completions, inbox) = complete::inbox();
    for writer in inbox.writers(1) {
        writers.spawn(complete::write(Arc::clone(&engine), writer));
    }
    let mut attendants = attend(&engine, &policies, keep, &shutdown);
    if service.shows_metrics() {
        attendants.spawn(gauges::keep(Arc::clone(&engine), shutdown.clone()));
    }

    let in_common = service.shared.database.data_path.clone();
    let data_path = config.data_path.clone().or(in_common);
    let quarantine = QuarantineService::new(Arc::clone(&engine));
    let queue = QueueService {
        engine,
        intake: enqueue::Intake::new(jobs),
        completions,
        shutdown: shutdown.clone(),
    };
    let policy = PolicyService::new(policies, vault, pool.clone(), clock.clone(), shutdown);
    let refusals = RefusalService::new(pool.clone(), clock.clone());
    let collection = CollectionService::new(pool.clone(), clock.clone());
    let throttle = ThrottleService::new(pool, clock);
    let routes = Routes::new(QueueServer::new(queue).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(PolicyServer::new(policy).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(QuarantineServer::new(quarantine))
        .add_service(RefusalsServer::new(refusals).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(CollectionServer::new(collection).max_decoding_message_size(MESSAGE_LIMIT))
        .add_service(ThrottleServer::new(throttle))
        .add_service(StorageServer::new(StorageService::new(data_path)));

    serve(listener, routes, &mut writers, &mut attendants).await?;
    // The services are gone, and with them the inboxes' senders: the writers commit the rest and end.
    while let Some(ended) = writers.join_next().await {
        ended.context("a writer failed while draining")?;
    }
    Ok(())
}

/// What the services need.
struct Prepared {
    engine: Arc<Engine>,
    vault: Vault,
    policies: Arc<Policies>,
}

/// Waits for a usable database, without a limit of time, and prepares it. If the database goes away
/// meanwhile, it waits again.
async fn prepare(config: &Config, service: &Service, clock: Clock) -> anyhow::Result<Prepared> {
    let url = service.database_url()?;
    let options = options(service);
    let database = service.needs("database", "no mail is accepted or handed out");
    let followed = clock.clone();
    let fitness = Fitness::watch(url, &options, move |found| {
        let found = found.map(|look| followed.follow(&look));
        database.set(found.map_err(Unfit::into_reason));
    })?;
    let pool = database::pool(url, &options)?;
    let mut engine = Engine::new(pool, clock, config.lease_seconds);
    engine.fitness = fitness;
    let engine = Arc::new(engine);
    // Each cause is logged once, however long it lasts: a backup may lock a table for hours.
    let mut told = String::new();
    loop {
        engine.fitness.found().await;
        match prepare_once(config, &engine).await {
            Ok((vault, policies)) => {
                return Ok(Prepared {
                    engine,
                    vault,
                    policies,
                });
            }
            Err(error) if is_transient(&error) => {
                let why = format!("{error:#}");
                if why != told {
                    tracing::warn!(
                        error = why,
                        "the database cannot be made ready yet: trying again"
                    );
                    told = why;
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Migrates the schemas, and reads the state that is kept in memory.
async fn prepare_once(
    config: &Config,
    engine: &Arc<Engine>,
) -> anyhow::Result<(Vault, Arc<Policies>)> {
    let pool = &engine.pool;
    volume::migrate(pool).await?;
    database::migrate(pool, "queue", &MIGRATIONS).await?;
    let vault = {
        let mut connection = pool.acquire().await?;
        let (file, replace) = (&config.secret_key_file, config.replace_secret_key);
        secret_key::open(file, replace, &mut connection).await?
    };
    upkeep::maintain_days(engine, upkeep::KeepDays::of(config))
        .await
        .context("making the partitions of these days")?;
    let policies = Policies::open(pool.clone(), engine.clock.clone()).await?;
    Ok((vault, Arc::new(policies)))
}

/// Whether the database was away temporarily.
fn is_transient(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let ours = cause.downcast_ref::<database::Error>();
        let theirs = cause.downcast_ref::<sqlx::Error>();
        ours.is_some_and(database::Error::is_transient)
            || theirs.is_some_and(database::is_transient)
    })
}

/// Settings of the database connections: plans and memory.
pub(crate) fn options(service: &Service) -> database::Options {
    database::Options::new("postern-queue", service.shared.database.max_connections)
        // The tables fill and empty within seconds, so a plan must not depend on their size when it was made.
        // Every hot statement uses an index.
        .setting("plan_cache_mode", "force_generic_plan")
        .setting("enable_seqscan", "off")
        .setting("enable_hashjoin", "off")
        .setting("enable_mergejoin", "off")
        // A batch of bodies is held in memory while it is inserted (UNNEST): a little over 4 MiB. The
        // server's default of 4 MB would put it into a temporary file.
        .setting("work_mem", "16MB")
        .require_fsync(service.shared.database.require_fsync)
}

/// Starts the background tasks.
fn attend(
    engine: &Arc<Engine>,
    policies: &Arc<Policies>,
    keep: upkeep::KeepDays,
    shutdown: &CancellationToken,
) -> JoinSet<()> {
    let mut attendants = JoinSet::new();
    attendants.spawn(lease::dispatch(Arc::clone(engine), shutdown.clone()));
    attendants.spawn(notification::tell(Arc::clone(engine), shutdown.clone()));
    attendants.spawn(notification::listen(
        Arc::clone(engine),
        Arc::clone(policies),
        shutdown.clone(),
    ));
    attendants.spawn(upkeep::keep_up(
        Arc::clone(engine),
        Arc::clone(policies),
        keep,
        shutdown.clone(),
    ));
    attendants
}

/// Serves until shutdown, or until a background task ends unexpectedly. The process then ends and is
/// restarted.
async fn serve(
    listener: OpenGrpc,
    routes: Routes,
    writers: &mut JoinSet<()>,
    attendants: &mut JoinSet<()>,
) -> anyhow::Result<()> {
    let failed = async {
        tokio::select! {
            Some(ended) = writers.join_next() => ended.context("a writer failed"),
            Some(Err(ended)) = attendants.join_next() => Err(ended).context("a background task failed"),
            else => std::future::pending().await,
        }
    };
    tokio::select! {
        served = listener.serve(routes, api::rights::callers) => Ok(served?),
        failed = failed => {
            failed?;
            anyhow::bail!("a writer ended")
        }
    }
}
