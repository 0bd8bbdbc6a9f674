//! Waiting for what the client says next.

use std::time::Duration;

use imap_protocol::LineEvent;
use imap_protocol::response::Code;
use session_io::SessionError;
use tokio::time::Instant;

use super::Session;
use crate::answer::Stop;

impl Session {
    /// Waits for more of what the client says; first sends what it is still owed. False when the
    /// session ends.
    pub(super) async fn wait_for_input(&mut self) -> Result<bool, Stop> {
        self.io.flush().await?;
        let patience = if self.user.is_some() {
            self.server.autologout
        } else {
            self.login_deadline
                .saturating_duration_since(Instant::now())
        };
        self.wait_at_most(patience).await
    }

    pub(super) async fn wait_at_most(&mut self, patience: Duration) -> Result<bool, Stop> {
        self.io.set_timeout(patience);
        let filled = tokio::select! {
            biased;
            filled = self.io.fill() => filled,
            () = self.shutdown.cancelled() => {
                self.bye(Some(Code::Unavailable), "Shutting down, come back in a moment.");
                return Ok(false);
            }
        };
        self.io.set_timeout(self.server.data_timeout);
        match filled {
            Ok(0) => Ok(false),
            Ok(_) => Ok(true),
            Err(SessionError::Timeout) => {
                self.bye(None, "Nothing was said for too long.");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A line that is not a command. `None` when the session ends.
    pub(super) async fn line(&mut self, longest: usize) -> Result<Option<bytes::Bytes>, Stop> {
        loop {
            match self.reader.next_line(self.io.input(), longest) {
                LineEvent::Line(line) => return Ok(Some(line)),
                LineEvent::TooLong => {
                    self.bye(None, "Line too long.");
                    return Ok(None);
                }
                LineEvent::NeedInput => {
                    if !self.wait_for_input().await? {
                        self.ended = true;
                        return Ok(None);
                    }
                }
            }
        }
    }
}
