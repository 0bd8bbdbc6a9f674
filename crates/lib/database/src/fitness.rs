//! Checks whether the database is usable: it answers, keeps committed data, and gives each connection its
//! own session. Checked once a second on a separate connection, and now and then on two new ones.
//!
//! "250 means committed" (I1) depends on the settings of a server that others administer, and on the path
//! to it: a pooler that shares sessions between transactions loses a connection's settings. So these are
//! checked, at the start and during the whole life of the process. Each connection of a pool is also
//! verified before its first use (`connect`): here a failover is noticed only at the next check.

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

/// Interval between checks.
const PERIOD: Duration = Duration::from_secs(1);

/// Interval between checks of an unusable database.
const PAUSE: Duration = Duration::from_millis(500);

/// Checks after which two connections are opened again. They detect at once that a pooler shares sessions;
/// a single connection detects it only when others take its session.
const RENEWED_AFTER: u32 = 20;

/// Time limit of an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The reason why the database is unusable, for an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It does not answer, or is read-only now: statements fail anyway.
    Away(String),
    /// It would accept data without keeping it: nothing may be written.
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

/// The result of a check of a usable database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The time of its clock, in milliseconds since 1970, read between the next two instants.
    clock_ms: i64,
    asked: Instant,
    answered: Instant,
}

impl Look {
    /// How far its clock is ahead of one that shows `now_ms` now, in milliseconds: a range, since query and
    /// answer took time.
    pub fn clock_ahead_of(&self, now_ms: i64) -> RangeInclusive<i64> {
        let then = |at: Instant| {
            let since = i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX);
            now_ms.saturating_sub(since)
        };
        // Fractions of milliseconds are lost: one more on either side.
        let first = self.clock_ms.saturating_sub(then(self.answered) + 1);
        first..=self.clock_ms.saturating_sub(then(self.asked) - 1)
    }
}

/// The state of the database. Clones share it; the checks end with the last of them.
#[derive(Debug, Clone)]
pub struct Fitness {
    /// It was usable at least once.
    found: watch::Receiver<bool>,
    unsafe_now: Arc<AtomicBool>,
}

impl Fitness {
    /// Starts to check the database at `url`, with connections like those of a pool with these `options`.
    /// `report` receives the result of each check.
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

    /// A database without checks, for tests.
    pub fn assumed() -> Self {
        Self {
            found: watch::channel(true).1,
            unsafe_now: Arc::default(),
        }
    }

    /// Waits until the database has been found usable.
    pub async fn found(&self) {
        // The sender lives as long as this value.
        let _ = self.found.clone().wait_for(|found| *found).await;
    }

    /// Whether the database must not be used although it would accept data.
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
    /// Checks without end. A broken connection is harmless if the next one is usable.
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

    /// Checks while it is usable.
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
                    // There may be no room for two more connections: the existing one decides.
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
            // The last state still holds: the pool's connections may work.
            Err(Unfit::Away(_)) => {}
        }
        let fit = found.is_ok();
        (self.report)(found);
        // Waiting callers have the result already.
        if fit {
            self.found.send_replace(true);
        }
    }
}

/// Limits the time of a check: a hanging server never answers.
async fn timely<T>(work: impl Future<Output = Result<T, Unfit>>) -> Result<T, Unfit> {
    timeout(ANSWER_TIMEOUT, work).await.unwrap_or_else(|_| {
        let seconds = ANSWER_TIMEOUT.as_secs();
        Err(Unfit::Away(format!("no answer within {seconds} s")))
    })
}
