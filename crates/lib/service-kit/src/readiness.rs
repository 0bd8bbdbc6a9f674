//! Readiness: whether a process can do its work. It has been set up, its dependencies are there, and it is
//! not ending. gRPC health and `--health` report this. Liveness is another question (`--live`): a restart
//! does not help a process whose database is away.
//!
//! ```text
//! starting ──set_up()─▶ ready ◀──▶ not ready: a dependency is absent
//!     └──────────────┬────┴────────────┘
//!                    ▼ end()
//!                  ending (not ready)
//! ```

mod peer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

pub(crate) use peer::follow;

/// A process's readiness. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Readiness {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    ready: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    set_up: bool,
    ending: bool,
    needs: Vec<Need>,
}

#[derive(Debug)]
struct Need {
    name: &'static str,
    without: &'static str,
    presence: Presence,
}

#[derive(Debug, PartialEq, Eq)]
enum Presence {
    /// Not checked yet.
    Unknown,
    Present,
    Absent(String),
}

/// Something that the process cannot work without. Its watcher reports whether it is there; the process is
/// ready only while it is. Clones are the same dependency.
#[derive(Clone, Debug)]
pub struct Dependency {
    readiness: Readiness,
    index: usize,
}

impl Readiness {
    /// A process that is not set up yet.
    pub(crate) fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                ready: watch::Sender::new(false),
            }),
        }
    }

    /// The process has been set up. It is ready while its dependencies are there.
    pub(crate) fn set_up(&self) {
        self.change(|state| state.set_up = true);
    }

    /// The process ends and is not ready any more.
    pub(crate) fn end(&self) {
        self.change(|state| state.ending = true);
    }

    /// Adds a dependency in unknown state.
    pub(crate) fn needs(&self, name: &'static str, without: &'static str) -> Dependency {
        let mut index = 0;
        self.change(|state| {
            index = state.needs.len();
            state.needs.push(Need {
                name,
                without,
                presence: Presence::Unknown,
            });
        });
        Dependency {
            readiness: self.clone(),
            index,
        }
    }

    /// The readiness, as it changes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<bool> {
        self.shared.ready.subscribe()
    }

    /// Why it is not ready; `None` if it is.
    pub(crate) fn obstacle(&self) -> Option<String> {
        self.lock().obstacle()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let ready = state.obstacle().is_none();
        // Under the lock, so that the last change is also the last one seen.
        self.shared
            .ready
            .send_if_modified(|was| std::mem::replace(was, ready) != ready);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is used: no code panics while it holds it.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn obstacle(&self) -> Option<String> {
        if self.ending {
            return Some("it is ending".to_owned());
        }
        let missing: Vec<String> = self.needs.iter().filter_map(Need::missing).collect();
        match (missing.is_empty(), self.set_up) {
            (false, _) => Some(missing.join("; ")),
            (true, false) => Some("it is starting".to_owned()),
            (true, true) => None,
        }
    }
}

impl Need {
    fn missing(&self) -> Option<String> {
        match &self.presence {
            Presence::Present => None,
            Presence::Unknown => Some(format!("it waits for {}", self.name)),
            Presence::Absent(why) => Some(format!("{}: {why}", self.name)),
        }
    }

    /// Records the result of a check. The log has one line when the dependency is lost and one when it
    /// returns, however often it is checked meanwhile.
    fn becomes(&mut self, found: Result<(), String>, quiet: bool) {
        let (dependency, without) = (self.name, self.without);
        let now = match found {
            Ok(()) => Presence::Present,
            Err(why) => Presence::Absent(why),
        };
        if self.presence == now {
            return;
        }
        match (&self.presence, &now) {
            _ if quiet => {}
            (Presence::Unknown, Presence::Absent(reason)) => {
                tracing::warn!(
                    dependency,
                    reason,
                    "not ready: waiting; until then {without}"
                );
            }
            (Presence::Present, Presence::Absent(reason)) => {
                tracing::warn!(dependency, reason, "lost; until it is back {without}");
            }
            (Presence::Absent(_), Presence::Present) => {
                tracing::info!(dependency, "there again");
            }
            (_, Presence::Absent(reason)) => {
                tracing::debug!(dependency, reason, "still not there");
            }
            (_, _) => tracing::debug!(dependency, "there"),
        }
        self.presence = now;
    }
}

impl Dependency {
    /// Sets its state: there, or why not.
    pub fn set(&self, found: Result<(), String>) {
        self.readiness.change(|state| {
            // A loss during the end of the process is not logged.
            let quiet = state.ending;
            if let Some(need) = state.needs.get_mut(self.index) {
                need.becomes(found, quiet);
            }
        });
    }

    /// It is there.
    pub fn present(&self) {
        self.set(Ok(()));
    }

    /// It is not there, for this reason.
    pub fn absent(&self, why: impl Into<String>) {
        self.set(Err(why.into()));
    }
}

#[cfg(test)]
mod tests;
