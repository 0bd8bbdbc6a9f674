//! Revisions of the policy.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::notification;
use crate::sql::revisions::{self, Revision};

/// How often an insertion is repeated with the next number when others insert revisions at the same time.
const ATTEMPTS: usize = 10;

/// The policy's revisions, with the newest in memory.
#[derive(Debug)]
pub(crate) struct Policies {
    pool: PgPool,
    clock: Clock,
    newest: watch::Sender<Arc<Revision>>,
}

/// A document that is to become the newest revision.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(crate) document: String,
    /// Accept only if this is the newest revision, 0 if there is none yet; `None`: always.
    pub(crate) expected: Option<i64>,
    pub(crate) author: String,
    pub(crate) comment: String,
}

impl Policies {
    /// Reads the newest revision. In an empty database it stores the default document as the first one.
    pub(crate) async fn open(pool: PgPool, clock: Clock) -> Result<Self, sqlx::Error> {
        let mut connection = pool.acquire().await?;
        let newest = match revisions::newest(&mut connection).await? {
            Some(newest) => newest,
            None => {
                let first = Revision {
                    revision: 1,
                    document: rules::Policy::default_document().to_owned(),
                    made_at: clock.now(),
                    author: "postern".to_owned(),
                    comment: "the initial policy".to_owned(),
                };
                match revisions::insert(&mut connection, &first).await {
                    // Another replica was faster.
                    Err(error) if database::is_unique_violation(&error) => {
                        revisions::newest(&mut connection).await?.unwrap_or(first)
                    }
                    result => result.map(|()| first)?,
                }
            }
        };
        drop(connection);
        Ok(Self {
            pool,
            clock,
            newest: watch::Sender::new(Arc::new(newest)),
        })
    }

    /// The newest revision, and each that follows.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Revision>> {
        self.newest.subscribe()
    }

    /// Reads a newer revision that another replica may have stored.
    pub(crate) async fn refresh(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        if let Some(newest) = revisions::newest(&mut connection).await? {
            self.take(newest);
        }
        Ok(())
    }

    /// One revision; the newest when `revision` is 0.
    pub(crate) async fn get(&self, revision: i64) -> Result<Revision> {
        if revision == 0 {
            // Read from the database, because an editor needs the newest one.
            self.refresh().await.map_err(Error::from)?;
            return Ok(Revision::clone(&self.newest.borrow()));
        }
        let mut connection = self.pool.acquire().await.map_err(Error::from)?;
        revisions::get(&mut connection, revision)
            .await
            .map_err(Error::from)?
            .ok_or_else(|| Error::not_found(format!("there is no revision {revision}")))
    }

    /// Newest first, without documents.
    pub(crate) async fn list(&self, limit: i64) -> Result<Vec<Revision>> {
        let mut connection = self.pool.acquire().await.map_err(Error::from)?;
        revisions::list(&mut connection, limit)
            .await
            .map_err(Error::from)
    }

    /// Validates the document as a whole and stores it as the newest revision.
    pub(crate) async fn apply(&self, proposal: Proposal) -> Result<Revision> {
        // All errors, each with its line.
        rules::Policy::parse(&proposal.document)
            .map_err(|errors| Error::invalid(errors.to_string()))?;
        let mut new = Revision {
            revision: 0,
            document: proposal.document,
            made_at: self.clock.now(),
            author: proposal.author,
            comment: proposal.comment,
        };
        let mut connection = self.pool.acquire().await.map_err(Error::from)?;
        for _ in 0..ATTEMPTS {
            let newest = revisions::newest(&mut connection)
                .await
                .map_err(Error::from)?;
            let newest = newest.map_or(0, |newest| newest.revision);
            if let Some(expected) = proposal.expected.filter(|expected| *expected != newest) {
                return Err(Error::Conflict(format!(
                    "revision {newest} is the newest, not {expected}"
                )));
            }
            new.revision = newest + 1;
            match revisions::insert(&mut connection, &new).await {
                Err(error) if database::is_unique_violation(&error) => {}
                result => {
                    result.map_err(Error::from)?;
                    tracing::info!(revision = new.revision, author = new.author, "new policy");
                    self.take(new.clone());
                    notification::tell_policy(&self.pool).await;
                    return Ok(new);
                }
            }
        }
        Err(Error::Conflict(
            "others are changing the policy at the same time".to_owned(),
        ))
    }

    fn take(&self, revision: Revision) {
        self.newest.send_if_modified(|newest| {
            let newer = revision.revision > newest.revision;
            if newer {
                *newest = Arc::new(revision);
            }
            newer
        });
    }
}
