//! Whether the database can be used as the services use it: it answers, keeps what it has committed,
//! and gives each connection a session of its own. Looked at once a second, on a connection of its own,
//! and now and then on two new ones.
//!
//! "250 means committed" (I1) rests on settings of somebody else's server, and on what stands between:
//! a pooler that hands out sessions by transaction forgets what a connection has set. So they are not
//! believed but looked at, at the start and for as long as the process lives. Each connection of a pool is
//! verified before its first use as well (`connect`): a failover is noticed here only at the next look.

mod probe;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use crate::connect::Recipe;
use crate::{Error, Options};
use probe::Probe;
pub(crate) use probe::State;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Until a database that cannot be used is looked at again.
const PAUSE: Duration = Duration::from_millis(500);

/// Looks after which two connections are opened anew. They notice at once that a pooler shares sessions,
/// which one connection notices only when others take its session.
const RENEWED_AFTER: u32 = 20;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the database cannot be used, for a person who runs the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It does not answer, or is read-only for now: statements fail by themselves.
    Away(String),
    /// It would take what it does not keep: nothing may be given to it.
    Unsafe(String),
}

impl Unfit {
    /// The reason.
    pub fn into_reason(self) -> String {
        match self {
            Self::Away(reason) | Self::Unsafe(reason) => reason,
        }
    }
}

/// What was found of a database that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What its clock showed, milliseconds since 1970, at a time between these two.
    clock_ms: i64,
    asked: Instant,
    answered: Instant,
}

impl Look {
    /// How far its clock is ahead of one that shows `now_ms` now, milliseconds: it lies within, since question
    /// and answer were on their way for a while.
    pub fn clock_ahead_of(&self, now_ms: i64) -> RangeInclusive<i64> {
        let then = |at: Instant| {
            let since = i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX);
            now_ms.saturating_sub(since)
        };
        // Parts of milliseconds are cut off: one more to either side.
        let first = self.clock_ms.saturating_sub(then(self.answered) + 1);
        first..=self.clock_ms.saturating_sub(then(self.asked) - 1)
    }
}

/// What is known. Clones know the same; the watch ends with the last of them.
#[derive(Debug, Clone)]
pub struct Fitness {
    /// It was found to be fit, at least once.
    found: watch::Receiver<bool>,
    unsafe_now: Arc<AtomicBool>,
}

impl Fitness {
    /// Begins to look at the database at `url`, with connections as those of a pool with these `options`.
    /// Each time that it has been looked at, `report` is told what was found.
    pub fn watch(
        url: &str,
        options: &Options,
        report: impl FnMut(Result<Look, Unfit>) + Send + 'static,
    ) -> Result<Self, Error> {
        let recipe = Recipe::new(url, options)?;
        let (sender, found) = watch::channel(false);
        let unsafe_now = Arc::new(AtomicBool::new(false));
        let mut watchman = Watchman {
            recipe,
            report,
            unsafe_now: Arc::clone(&unsafe_now),
            found: sender.clone(),
        };
        tokio::spawn(async move {
            tokio::select! {
                () = watchman.work() => {}
                () = sender.closed() => {}
            }
        });
        Ok(Self { found, unsafe_now })
    }

    /// A database that nobody looks at: for tests.
    pub fn assumed() -> Self {
        Self {
            found: watch::channel(true).1,
            unsafe_now: Arc::default(),
        }
    }

    /// Waits until the database has been found to be fit.
    pub async fn found(&self) {
        // The sender lives as long as this.
        let _ = self.found.clone().wait_for(|found| *found).await;
    }

    /// Whether nothing may be given to the database, although it would take it.
    pub fn is_unsafe(&self) -> bool {
        self.unsafe_now.load(Ordering::Relaxed)
    }
}

struct Watchman<R> {
    recipe: Recipe,
    report: R,
    unsafe_now: Arc<AtomicBool>,
    found: watch::Sender<bool>,
}

impl<R: FnMut(Result<Look, Unfit>)> Watchman<R> {
    /// Looks for ever. A connection that breaks is no more than that, if the next one is fit.
    async fn work(&mut self) {
        let mut was_fit = false;
        loop {
            let unfit = match Probe::open(&self.recipe).await {
                Ok(probe) => {
                    was_fit = true;
                    self.follow(probe).await
                }
                Err(unfit) => unfit,
            };
            let once_more = std::mem::take(&mut was_fit) && matches!(unfit, Unfit::Away(_));
            if !once_more {
                self.tell(Err(unfit));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Looks as long as it is fit.
    async fn follow(&mut self, mut probe: Probe) -> Unfit {
        let mut looks = 0_u32;
        loop {
            self.tell(Ok(probe.found()));
            tokio::time::sleep(PERIOD).await;
            looks = looks.wrapping_add(1);
            if looks.is_multiple_of(RENEWED_AFTER) {
                match Probe::open(&self.recipe).await {
                    Ok(anew) => probe = anew,
                    Err(unfit @ Unfit::Unsafe(_)) => return unfit,
                    // There may be no room for two more: the one that we have says what is so.
                    Err(Unfit::Away(_)) => {}
                }
            }
            if let Err(unfit) = probe.look(self.recipe.require_fsync).await {
                return unfit;
            }
        }
    }

    fn tell(&mut self, found: Result<Look, Unfit>) {
        match &found {
            Ok(_) => self.unsafe_now.store(false, Ordering::Relaxed),
            Err(Unfit::Unsafe(_)) => self.unsafe_now.store(true, Ordering::Relaxed),
            // What was known of it still holds: connections of the pool may work yet.
            Err(Unfit::Away(_)) => {}
        }
        let fit = found.is_ok();
        (self.report)(found);
        // Whoever waits for it knows by now what was found.
        if fit {
            self.found.send_replace(true);
        }
    }
}

/// Bounds a look: from a server that hangs no answer ever comes.
async fn timely<T>(work: impl Future<Output = Result<T, Unfit>>) -> Result<T, Unfit> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| {
        let seconds = PATIENCE.as_secs();
        Err(Unfit::Away(format!("no answer within {seconds} s")))
    })
}
