//! The log of a test.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, Once, PoisonError};

type Written = Arc<Mutex<Vec<u8>>>;

thread_local! {
    static RECORDING: RefCell<Option<Written>> = const { RefCell::new(None) };
}

/// Records log lines of this thread, at the level info and above, during its life. A test on a
/// single-threaded runtime gets all its lines.
#[derive(Debug)]
pub struct LogLines {
    written: Written,
}

impl LogLines {
    /// Starts to record.
    #[must_use]
    pub fn record() -> Self {
        // One subscriber for all threads: the interest in a log statement is cached once, possibly by
        // another thread without a subscriber.
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_writer(|| OfThisThread)
                .without_time()
                .with_ansi(false)
                .finish();
            tracing::subscriber::set_global_default(subscriber)
                .expect("nobody else logs in a test");
            tracing::callsite::rebuild_interest_cache();
        });
        let written = Written::default();
        RECORDING.set(Some(Arc::clone(&written)));
        Self { written }
    }

    /// The lines of a target: the message, then the fields.
    pub fn of(&self, target: &str) -> Vec<String> {
        let written = self.written.lock();
        let written = written.unwrap_or_else(PoisonError::into_inner);
        let start = format!("{target}: ");
        String::from_utf8_lossy(&written)
            .lines()
            .filter_map(|line| {
                let (_level, line) = line.trim_start().split_once(' ')?;
                line.strip_prefix(&start).map(str::to_owned)
            })
            .collect()
    }
}

impl Drop for LogLines {
    fn drop(&mut self) {
        RECORDING.set(None);
    }
}

/// The recorder of this thread.
struct OfThisThread;

impl io::Write for OfThisThread {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        RECORDING.with_borrow(|recording| {
            if let Some(written) = recording {
                let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                written.extend_from_slice(octets);
            }
        });
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
