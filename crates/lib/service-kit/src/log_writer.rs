//! Output of log lines. The lines that trace messages (target `mail`) are numerous and nobody waits for them:
//! those of a few milliseconds are written together, since a system call for each would double its cost. Any
//! other line is written at once, after all earlier ones.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// The target of lines that are collected.
const COLLECTED: &str = "mail";

/// How long lines are collected.
const PAUSE: Duration = Duration::from_millis(10);

/// Octets after which collected lines are written at once.
const LARGEST: usize = 64 * 1024;

/// Writes lines to `W`. Clones share the writer.
pub(crate) struct LogWriter<W>(Arc<Shared<W>>);

struct Shared<W> {
    lines: Mutex<Lines<W>>,
    /// Signals collected lines.
    collected: Condvar,
}

struct Lines<W> {
    waiting: Vec<u8>,
    out: W,
}

impl<W: Write + Send + 'static> LogWriter<W> {
    /// Starts the thread that writes collected lines.
    pub(crate) fn start(out: W) -> io::Result<Self> {
        let writer = Self::new(out);
        let shared = Arc::clone(&writer.0);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                loop {
                    let lines = shared.lock();
                    let waited = shared
                        .collected
                        .wait_while(lines, |lines| lines.waiting.is_empty());
                    drop(waited);
                    std::thread::sleep(PAUSE);
                    shared.lock().write();
                }
            })?;
        Ok(writer)
    }

    fn new(out: W) -> Self {
        let waiting = Vec::new();
        Self(Arc::new(Shared {
            lines: Mutex::new(Lines { waiting, out }),
            collected: Condvar::new(),
        }))
    }

    /// Writes collected lines.
    pub(crate) fn flush(&self) {
        self.0.lock().write();
    }
}

impl<W> Clone for LogWriter<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, Lines<W>> {
        // A poisoned lock is used: half a line is better than none.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write> Lines<W> {
    fn write(&mut self) {
        // An error cannot be reported anywhere.
        let _failed = self.out.write_all(&self.waiting);
        self.waiting.clear();
        self.waiting.shrink_to(2 * LARGEST);
    }
}

/// A line being formatted.
pub(crate) struct Line<'a, W> {
    shared: &'a Shared<W>,
    at_once: bool,
}

impl<'a, W: Write + Send + 'static> MakeWriter<'a> for LogWriter<W> {
    type Writer = Line<'a, W>;

    fn make_writer(&'a self) -> Self::Writer {
        Line {
            shared: &self.0,
            at_once: true,
        }
    }

    fn make_writer_for(&'a self, line: &Metadata<'_>) -> Self::Writer {
        Line {
            shared: &self.0,
            at_once: line.target() != COLLECTED,
        }
    }
}

impl<W: Write> Write for Line<'_, W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut lines = self.shared.lock();
        let first = lines.waiting.is_empty();
        lines.waiting.extend_from_slice(octets);
        if self.at_once || lines.waiting.len() >= LARGEST {
            lines.write();
        } else if first {
            self.shared.collected.notify_one();
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use std::sync::mpsc;

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// Records each write as a whole.
    struct Writes(mpsc::Sender<String>);

    impl Write for Writes {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(octets).into_owned();
            self.0.send(text).map_err(io::Error::other)?;
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(writer: &LogWriter<Writes>, act: impl FnOnce()) {
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(writer.clone())
            .without_time()
            .with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, act);
    }

    #[test]
    fn lines_of_mail_are_written_together_and_others_at_once_in_their_order() {
        let (sent, written) = mpsc::channel();
        let writer = LogWriter::new(Writes(sent));
        log(&writer, || {
            tracing::info!(target: "mail", n = 1, "accepted");
            tracing::info!(target: "mail", n = 2, "accepted");
        });
        assert!(written.try_recv().is_err(), "nobody waits for them");
        log(&writer, || tracing::warn!(target: "queue", "away"));
        assert_eq!(
            written.try_recv().unwrap(),
            " INFO mail: accepted n=1\n INFO mail: accepted n=2\n WARN queue: away\n"
        );
        let long = "x".repeat(LARGEST);
        log(&writer, || tracing::info!(target: "mail", long, "accepted"));
        assert!(written.try_recv().unwrap().len() > LARGEST);
        log(&writer, || tracing::info!(target: "mail", "accepted"));
        writer.flush();
        assert_eq!(written.try_recv().unwrap(), " INFO mail: accepted\n");
    }

    #[test]
    fn what_is_collected_is_written_by_itself() {
        let (sent, written) = mpsc::channel();
        let writer = LogWriter::start(Writes(sent)).unwrap();
        for n in 0..3 {
            log(&writer, || tracing::info!(target: "mail", n, "accepted"));
            let line = written.recv_timeout(Duration::from_secs(30)).unwrap();
            assert_eq!(line, format!(" INFO mail: accepted n={n}\n"));
        }
    }
}
