//! Threads that serve connections, each with a runtime of its own.
//!
//! In one runtime with several threads every event wakes a second thread to look for more work; between two
//! processors that costs more than it brings. A shard wakes no thread without work. State shared by all
//! shards, such as the resolver's connections, may live on any of them or on the runtime beside them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Running shards.
pub(crate) struct Shards {
    handles: Vec<Handle>,
    end: DropGuard,
    /// Nothing is sent: each shard holds a sender as long as it runs.
    ended: Receiver<()>,
}

impl Shards {
    /// Starts this many shards.
    pub(crate) fn start(count: usize) -> anyhow::Result<Self> {
        let token = CancellationToken::new();
        let (working, ended) = channel();
        let mut shards = Self {
            handles: Vec::with_capacity(count),
            end: token.clone().drop_guard(),
            ended,
        };
        let processors = own_processors(count);
        if count > 0 {
            let apart = processors.is_some();
            tracing::debug!(count, apart, "serving in shards");
        }
        for number in 0..count {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build()
                .context("cannot start a runtime")?;
            shards.handles.push(runtime.handle().clone());
            let (token, working) = (token.clone(), working.clone());
            let processor = processors.as_ref().map(|own| own[number]);
            thread::Builder::new()
                .name(format!("shard-{number}"))
                .spawn(move || {
                    keep_to(processor);
                    runtime.block_on(token.cancelled());
                    runtime.shutdown_background();
                    drop(working);
                })
                .context("cannot start a thread")?;
        }
        Ok(shards)
    }

    /// Handles of their runtimes.
    pub(crate) fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// Ends them with all they still serve; waits at most this long.
    pub(crate) fn end(self, longest: Duration) {
        drop(self.end);
        if let Err(RecvTimeoutError::Timeout) = self.ended.recv_timeout(longest) {
            tracing::debug!("a shard does not end");
        }
    }
}

/// A processor for each of `count` shards, if exactly that many are allowed. A thread that wakes another and
/// then waits pulls it to its own processor: the shards of a small machine would share one while the other is
/// idle. Threads that a shard starts keep to its processor too.
fn own_processors(count: usize) -> Option<Vec<usize>> {
    let allowed = sched_getaffinity(None).ok()?;
    one_each(&allowed, count)
}

fn one_each(allowed: &CpuSet, count: usize) -> Option<Vec<usize>> {
    let processors: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|&processor| allowed.is_set(processor))
        .collect();
    (processors.len() == count).then_some(processors)
}

fn keep_to(processor: Option<usize>) {
    let Some(processor) = processor else { return };
    let mut own = CpuSet::new();
    own.set(processor);
    if let Err(error) = sched_setaffinity(None, &own) {
        tracing::debug!(%error, processor, "a shard could not be bound to its processor");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]

    use super::*;

    #[test]
    fn shards_have_a_processor_each_where_there_are_as_many() {
        let mut allowed = CpuSet::new();
        allowed.set(1);
        allowed.set(6);
        assert_eq!(one_each(&allowed, 2), Some(vec![1, 6]));
        assert_eq!(one_each(&allowed, 1), None);
        assert_eq!(one_each(&allowed, 3), None);
    }

    #[tokio::test]
    async fn each_shard_is_a_thread_and_ends_with_all() {
        let shards = Shards::start(2).unwrap();
        let mut threads = Vec::new();
        for shard in shards.handles() {
            let first = shard.spawn(async { thread::current().id() }).await.unwrap();
            let again = shard.spawn(async { thread::current().id() }).await.unwrap();
            assert_eq!(first, again);
            threads.push(first);
        }
        assert_ne!(threads[0], threads[1]);
        let left = shards.handles()[0].spawn(tokio::time::sleep(Duration::from_secs(3600)));
        shards.end(Duration::from_secs(60));
        assert!(left.await.unwrap_err().is_cancelled());
    }
}
