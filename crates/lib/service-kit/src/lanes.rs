//! Threads that serve connections, each with a runtime of its own.
//!
//! In one runtime with several threads every event wakes a second thread to see whether there is
//! more to do; between two processors that costs more than it brings. On a lane nobody is woken
//! but for work, and what calculates there for long holds up its own lane alone.

use std::thread;

use anyhow::Context as _;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Lanes at work; they end when this is dropped, and what they still serve with them.
pub(crate) struct Lanes {
    handles: Vec<Handle>,
    _end: DropGuard,
}

impl Lanes {
    /// Starts so many.
    pub(crate) fn start(count: usize) -> anyhow::Result<Self> {
        let ended = CancellationToken::new();
        let mut handles = Vec::with_capacity(count);
        for number in 0..count {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build()
                .context("cannot start a runtime")?;
            handles.push(runtime.handle().clone());
            let ended = ended.clone();
            thread::Builder::new()
                .name(format!("lane-{number}"))
                .spawn(move || {
                    keep_apart(number, count);
                    runtime.block_on(ended.cancelled());
                })
                .context("cannot start a thread")?;
        }
        Ok(Self {
            handles,
            _end: ended.drop_guard(),
        })
    }

    /// The ways to their runtimes.
    pub(crate) fn handles(&self) -> &[Handle] {
        &self.handles
    }
}

/// Keeps this lane of `count` on a processor of its own, where there are as many as lanes. Whoever
/// wakes a thread and then waits is followed by it to the same processor: the lanes of a small
/// machine would share one while the other rests.
fn keep_apart(number: usize, count: usize) {
    let own = sched_getaffinity(None).map(|allowed| own_processor(&allowed, number, count));
    let kept = own.and_then(|own| own.map_or(Ok(()), |own| sched_setaffinity(None, &own)));
    if let Err(error) = kept {
        tracing::debug!(%error, "lanes are not kept apart");
    }
}

fn own_processor(allowed: &CpuSet, number: usize, count: usize) -> Option<CpuSet> {
    let mut processors = (0..CpuSet::MAX_CPU).filter(|&processor| allowed.is_set(processor));
    let processor = processors.nth(number)?;
    (allowed.count() as usize == count).then(|| {
        let mut own = CpuSet::new();
        own.set(processor);
        own
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

    use std::time::Duration;

    use super::*;

    #[test]
    fn lanes_have_a_processor_each_where_there_are_as_many() {
        let mut allowed = CpuSet::new();
        allowed.set(1);
        allowed.set(6);
        let own = own_processor(&allowed, 1, 2).unwrap();
        assert!(own.is_set(6) && own.count() == 1);
        assert_eq!(own_processor(&allowed, 0, 1), None);
        assert_eq!(own_processor(&allowed, 2, 3), None);
    }

    #[tokio::test]
    async fn each_lane_is_a_thread_and_ends_with_all() {
        let lanes = Lanes::start(2).unwrap();
        let mut threads = Vec::new();
        for lane in lanes.handles() {
            let first = lane.spawn(async { thread::current().id() }).await.unwrap();
            let again = lane.spawn(async { thread::current().id() }).await.unwrap();
            assert_eq!(first, again);
            threads.push(first);
        }
        assert_ne!(threads[0], threads[1]);
        let left = lanes.handles()[0].spawn(tokio::time::sleep(Duration::from_secs(3600)));
        drop(lanes);
        assert!(left.await.unwrap_err().is_cancelled());
    }
}
