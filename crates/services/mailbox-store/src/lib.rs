//! mailbox-store: users and their mailboxes. It serves `mailbox.v1` and `directory.v1`, and owns the Postgres
//! schema `mailbox`.
//!
//! - [`deliver`] accepts queued messages, in batches, effectively once.
//! - [`mailboxes`]: names, states and locks; [`messages`]: their contents.
//! - [`search`] finds messages; [`notices`] report changes; [`maildrop`] is the lock of POP3.
//! - [`users`] is the directory, with passwords.
//! - [`upkeep`] runs in the background.
//! - [`grpc`] converts requests to values and back.
//!
//! [`volume`] stores bodies, once each; messages refer to them by foreign key. This process never routes or
//! sends mail.

mod clock;
pub mod deliver;
mod error;
pub mod grpc;
pub mod mailboxes;
pub mod maildrop;
pub mod messages;
pub mod notices;
pub mod room;
pub mod search;
pub mod store;
pub mod upkeep;
pub mod users;
pub mod values;

#[cfg(test)]
mod test_store;

pub use error::{Error, Result};

use std::time::Duration;

use anyhow::Context as _;
use api::directory::v1::directory_server::DirectoryServer;
use api::mailbox::v1::mailbox_store_server::MailboxStoreServer;
use api::mailbox::v1::upkeep_server::UpkeepServer;
use database::{Fitness, Unfit};
use service_kit::{Routes, Service};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::grpc::{DirectoryService, MailboxService, UpkeepService};
use crate::room::Room;
use crate::store::Store;
use crate::upkeep::Progress;
use crate::users::{OAuthConfig, Passwords, Tokens};

/// Settings of mailbox-store.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// gRPC endpoint.
    #[schemars(extend("type-name" = "endpoint"))]
    pub listen: String,
    /// Issuer whose access tokens log in; without this section tokens are refused.
    #[serde(default)]
    pub oauth: Option<OAuthConfig>,
    /// Octets of free space on the database's volume below which APPEND and COPY are refused; the rest is a
    /// reserve for delivery, expunging and administration. 0 never refuses. `data-path` in [database] says
    /// which volume that is.
    #[serde(default = "reserve")]
    #[schemars(extend("unit" = "octets"))]
    pub min_free_space: u64,
}

fn reserve() -> u64 {
    room::RESERVE
}

/// Largest request: a list of UIDs, or a batch of deliveries.
const LARGEST_REQUEST: usize = 16 * 1024 * 1024;

/// Pause before the preparation of a database is retried.
const PAUSE: Duration = Duration::from_millis(200);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Migrates the schemas of this service.
pub async fn migrate(pool: &PgPool) -> Result<(), database::Error> {
    volume::migrate(pool).await?;
    database::migrate(pool, "mailbox", &MIGRATIONS).await
}

/// Connection settings for query plans: every statement uses an index, and its plan does not depend on the
/// values, so it is made once per connection. Planning cost more than the statements did.
pub fn connection_options(application: &str, max_connections: u32) -> database::Options {
    database::Options::new(application, max_connections)
        .setting("plan_cache_mode", "force_generic_plan")
        .setting("enable_seqscan", "off")
}

/// Runs the service until shutdown.
pub async fn run(config: Config, service: Service) -> anyhow::Result<()> {
    // Health is answered while the service waits for the database.
    let listener = service.open_grpc(&config.listen).await?;
    // Computes one hash, on a thread that ends when idle: only then does the allocator return the hash's 19
    // MiB to the system.
    let passwords = tokio::task::spawn_blocking(Passwords::new)
        .await
        .context("hashing")??;
    let preparing = prepare(&service);
    let Some(prepared) = service.shutdown.run_until_cancelled(preparing).await else {
        return Ok(listener.ended().await?);
    };
    let mut store = prepared?;
    let reserve = config.min_free_space;
    if let Some(path) = service
        .shared
        .database
        .data_path
        .clone()
        .filter(|_| reserve > 0)
    {
        let shutdown = service.shutdown.clone();
        let room = Room::watch(path, reserve, shutdown.clone()).await;
        let keeping = room::keep_log_small(room.clone(), store.pool().clone());
        tokio::spawn(shutdown.run_until_cancelled_owned(keeping));
        store = store.with_room(room);
    }
    let shutdown = service.shutdown.clone();
    tokio::spawn(notices::listen(
        store.pool().clone(),
        store.hub().clone(),
        store.origin(),
        shutdown.clone(),
    ));
    let tokens = config
        .oauth
        .map(|config| Tokens::start(config, shutdown.clone()))
        .transpose()?;
    let progress = upkeep::start(store.clone(), &shutdown);
    let routes = routes(store, passwords, tokens, progress, shutdown);
    listener
        .serve(routes, api::rights::callers)
        .await
        .context("serving gRPC")
}

/// Waits for a usable database, without a limit of time, and prepares it. If the database goes away
/// meanwhile, it waits again.
async fn prepare(service: &Service) -> anyhow::Result<Store> {
    let url = service.database_url()?;
    let (for_logins, others) = shared_out(service.shared.database.max_connections);
    let require_fsync = service.shared.database.require_fsync;
    let connections = |most| connection_options(service.name, most).require_fsync(require_fsync);
    let options = connections(others);
    let database = service.needs("database", "no mailbox is read or written");
    let fitness = Fitness::watch(url, &options, move |found| {
        database.set(found.map(drop).map_err(Unfit::into_reason));
    })?;
    let pool = database::pool(url, &options)?;
    let logins = database::pool(url, &connections(for_logins))?;
    // Each cause is logged once, however long it lasts: a backup may lock a table for hours.
    let mut told = String::new();
    loop {
        fitness.found().await;
        match migrate(&pool).await {
            Ok(()) => return Ok(Store::with_logins(pool, logins).over(fitness)),
            Err(error) if error.is_transient() => {
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
            Err(error) => return Err(error.into()),
        }
    }
}

/// Splits the database connections into those for logins and the others. Of the others, two belong to one
/// task each, the rescan of summaries uses one at a time, and at least one must be left.
fn shared_out(connections: u32) -> (u32, u32) {
    let for_logins = (connections / 5).clamp(1, 8);
    (for_logins, connections.saturating_sub(for_logins).max(4))
}

/// The gRPC services of a store.
pub fn routes(
    store: Store,
    passwords: Passwords,
    tokens: Option<Tokens>,
    progress: Progress,
    shutdown: CancellationToken,
) -> Routes {
    let upkeep = UpkeepService::new(store.clone(), progress);
    let directory = DirectoryService::new(store.clone(), passwords, tokens, shutdown.clone());
    let mailboxes = MailboxServiceServer::new(MailboxService::new(store, shutdown))
        .max_decoding_message_size(LARGEST_REQUEST)
        .max_encoding_message_size(LARGEST_REQUEST);
    Routes::new(mailboxes)
        .add_service(DirectoryServer::new(directory))
        .add_service(UpkeepServer::new(upkeep))
}

type MailboxServiceServer = MailboxStoreServer<MailboxService>;
