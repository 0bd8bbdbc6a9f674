//! Connects to all replicas without a connection.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::{self, Uri};

use crate::dial::Io;
use crate::upkeep::Pauses;
use crate::watched::Watched;
use crate::{Shared, Target};

/// The reason for a failed attempt, shared by all callers that waited for it.
#[derive(Clone, Debug)]
pub(crate) struct Unreachable(Arc<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no replica can be reached")
    }
}

impl std::error::Error for Unreachable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

impl From<Unreachable> for Status {
    fn from(unreachable: Unreachable) -> Self {
        let mut status = Self::unavailable(cause(&*unreachable.0));
        status.set_source(Arc::new(unreachable));
        status
    }
}

/// The result of an attempt to connect, and its time.
pub(crate) struct Attempt {
    ended: Instant,
    failure: Unreachable,
}

impl Shared {
    /// Waits until there is a connection. Concurrent callers share one attempt; a caller after a failed
    /// attempt starts another.
    pub(crate) async fn connected(self: &Arc<Self>) -> Result<(), Unreachable> {
        let asked = Instant::now();
        let mut attempt = self.attempt.lock().await;
        if self.connections().pick().is_some() {
            return Ok(());
        }
        if let Some(last) = attempt.as_ref().filter(|last| last.ended > asked) {
            return Err(last.failure.clone());
        }
        let mut changes = self.changes.subscribe();
        let shared = Arc::clone(self);
        let mut connecting = self
            .runtime
            .spawn(async move { shared.connect_all(&mut Pauses::default()).await });
        let failure = loop {
            tokio::select! {
                ended = &mut connecting => {
                    if self.connections().pick().is_some() {
                        return Ok(());
                    }
                    break ended.ok().flatten();
                }
                _ = changes.changed() => if self.connections().pick().is_some() {
                    return Ok(());
                },
            }
        };
        let failure = failure.unwrap_or_else(|| Unreachable(Arc::new(Ended)));
        *attempt = Some(Attempt {
            ended: Instant::now(),
            failure: failure.clone(),
        });
        Err(failure)
    }

    /// Looks up the replicas, and connects to those without a connection or with an old one, if their pause
    /// has passed. Returns a failure, if any.
    pub(crate) async fn connect_all(self: &Arc<Self>, pauses: &mut Pauses) -> Option<Unreachable> {
        let targets = match self.dial.targets().await {
            Ok(targets) => targets,
            // The known replicas stay in use.
            Err(error) => return Some(Unreachable(Arc::new(error))),
        };
        if self.connections().keep_only(&targets) {
            self.changed();
        }
        pauses.keep_only(&targets);
        let now = Instant::now();
        let missing: Vec<Target> = {
            let connections = self.connections();
            let wanted = targets
                .into_iter()
                .filter(|target| !connections.has(target, now) && pauses.is_over(target, now));
            wanted.collect()
        };
        let mut connecting = JoinSet::new();
        for target in missing {
            let shared = Arc::clone(self);
            connecting.spawn(async move {
                let connected = shared.connect(&target).await;
                (target, connected)
            });
        }
        let mut failure = None;
        while let Some(ended) = connecting.join_next().await {
            match ended {
                Ok((target, Ok(()))) => pauses.forget(&target),
                Ok((target, Err(error))) => {
                    tracing::debug!(%target, error = %cause(&error), "a replica cannot be reached");
                    pauses.lengthen(target, Instant::now());
                    failure = Some(Unreachable(Arc::new(error)));
                }
                Err(error) => failure = Some(Unreachable(Arc::new(error))),
            }
        }
        failure
    }

    async fn connect(self: &Arc<Self>, target: &str) -> Result<(), transport::Error> {
        let lost = CancellationToken::new();
        let first = AtomicBool::new(true);
        let (shared, token) = (Arc::downgrade(self), lost.clone());
        let own: Target = target.to_owned();
        let connector = tower::service_fn(move |_: Uri| {
            let first = first.swap(false, Ordering::Relaxed);
            let (shared, token, own) = (Weak::clone(&shared), token.clone(), own.clone());
            async move {
                let shared = shared.upgrade().ok_or(std::io::ErrorKind::NotConnected)?;
                let io = if first {
                    shared.dial.connect(&own).await?
                } else {
                    // The replica is shutting down and accepts no more calls. This call was already
                    // assigned to it, and goes to another, if there is one.
                    token.cancel();
                    shared.dial_another(&own).await?
                };
                Ok::<_, std::io::Error>(TokioIo::new(Watched::new(io, token)))
            }
        });
        let channel = self.dial.http().connect_with_connector(connector).await?;
        self.add(target.to_owned(), channel, lost);
        Ok(())
    }

    async fn dial_another(&self, than: &str) -> std::io::Result<Box<dyn Io>> {
        let mut targets = self.dial.targets().await?;
        targets.sort_by_key(|target| target == than);
        let mut failure = std::io::ErrorKind::NotConnected.into();
        for target in targets {
            match self.dial.connect(&target).await {
                Ok(io) => return Ok(io),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The attempt was cancelled, or its connection was lost before it could be used.
#[derive(Debug)]
struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was lost at once, or this process is ending")
    }
}

impl std::error::Error for Ended {}
