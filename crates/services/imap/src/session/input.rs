//! Waiting for the client's input.

use std::time::Duration;

use imap_protocol::LineEvent;
use imap_protocol::response::Code;
use session_io::SessionError;
use tokio::time::Instant;

use super::Session;
use crate::answer::Stop;

/// Text of the BYE response after the login timeout.
const TOO_LATE: &str = "The login took too long.";

impl Session {
    /// Flushes pending output, then waits for input. False when the session ends.
    pub(super) async fn wait_for_input(&mut self) -> Result<bool, Stop> {
        self.io.flush().await?;
        if self.user.is_some() {
            return self.wait_at_most(self.server.autologout).await;
        }
        let left = self
            .login_deadline
            .saturating_duration_since(Instant::now());
        // With more input at hand, no wait would notice the timeout.
        if left.is_zero() {
            self.bye(None, TOO_LATE);
            return Ok(false);
        }
        self.wait_at_most(left).await
    }

    pub(super) async fn wait_at_most(&mut self, timeout: Duration) -> Result<bool, Stop> {
        self.io.set_timeout(timeout);
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
            Ok(_) => {
                if self.user.is_some() {
                    self.io.of_use();
                }
                Ok(true)
            }
            Err(SessionError::Timeout) => {
                self.bye(
                    None,
                    if self.user.is_some() {
                        "Idle for too long."
                    } else {
                        TOO_LATE
                    },
                );
                Ok(false)
            }
            Err(SessionError::Displaced) => {
                self.displaced();
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Another client has got this one's slot.
    pub(super) fn displaced(&mut self) {
        let text = "Too many connections, and this one was idle: try again later.";
        self.bye(Some(Code::Unavailable), text);
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
