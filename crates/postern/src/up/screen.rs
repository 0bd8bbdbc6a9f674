//! The output on the terminal.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

/// Standard output in whole lines, from any task.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    started: Arc<Instant>,
}

impl Screen {
    pub(super) fn stdout() -> Self {
        Self {
            started: Arc::new(Instant::now()),
        }
    }

    /// Prints one or several lines. A closed terminal does not stop the mail.
    pub(super) fn line(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let _unread = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }

    /// Prints the progress of a process.
    pub(super) fn progress(&self, name: &str, what: &str) {
        let seconds = self.started.elapsed().as_secs_f32();
        self.line(&format!("  [{seconds:5.1} s] {name:<14} {what}"));
    }
}
