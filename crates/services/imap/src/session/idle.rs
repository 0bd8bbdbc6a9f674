//! IDLE (RFC 2177). While nothing changes it costs no query.

use std::time::Duration;

use imap_protocol::response::{Code, Condition, put_continuation};
use imap_protocol::{LineEvent, Tag};
use session_io::SessionError;
use tokio::time::{Instant, sleep_until};

use super::Session;
use super::sync::Sync;
use crate::answer::{Answer, Stop};

/// Pause after the store could not report changes.
const RETRY: Duration = Duration::from_secs(1);

/// What ends a wait.
enum Woken {
    Input(Result<usize, SessionError>),
    News,
    Timer,
    Shutdown,
}

impl Session {
    pub(super) async fn idle(&mut self, tag: &Tag) -> Result<(), Stop> {
        put_continuation(self.io.output(), "idling");
        let ends = Instant::now() + self.server.autologout;
        let mut heard = self.tell_news().await;
        if self.ended {
            return Ok(());
        }
        let mut told_at = Instant::now();
        loop {
            match self.reader.next_line(self.io.input(), 64) {
                LineEvent::Line(line) => return self.idle_done(tag, &line).await,
                LineEvent::TooLong => {
                    self.bye(None, "Expected DONE.");
                    return Ok(());
                }
                LineEvent::NeedInput => {}
            }
            self.io.flush().await?;
            let timer = match heard {
                Some(_) => ends.min(told_at + self.server.keep_alive),
                None => Instant::now() + RETRY,
            };
            match self.idle_wait(heard, timer).await {
                Woken::Input(Ok(0)) => {
                    self.ended = true;
                    return Ok(());
                }
                Woken::Input(Err(SessionError::Displaced)) => {
                    self.displaced();
                    return Ok(());
                }
                Woken::Input(filled) => {
                    filled?;
                    self.io.of_use();
                }
                Woken::Shutdown => {
                    self.bye(
                        Some(Code::Unavailable),
                        "Shutting down, come back in a moment.",
                    );
                    return Ok(());
                }
                Woken::Timer if Instant::now() >= ends => {
                    self.bye(None, "Idle for too long.");
                    return Ok(());
                }
                Woken::Timer if heard.is_some() => {
                    self.say(Condition::Ok, None, "Still here.");
                    told_at = Instant::now();
                }
                Woken::News | Woken::Timer => {
                    heard = self.tell_news().await;
                    if self.ended {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Sends all updates. Returns the MODSEQ of the newest known change; `None` if the store did not answer.
    async fn tell_news(&mut self) -> Option<u64> {
        let heard = self.open.as_ref().map_or(0, |open| open.watch.highest());
        let told = Box::pin(self.sync(Sync::ALL)).await;
        told.then_some(heard)
    }

    async fn idle_wait(&mut self, heard: Option<u64>, timer: Instant) -> Woken {
        // The timer limits the whole IDLE.
        self.io.set_timeout(self.server.autologout * 2);
        let open = &mut self.open;
        let news = async {
            match (open, heard) {
                (Some(open), Some(heard)) => {
                    let modseq = open.view.modseq().max(heard);
                    open.watch.above(modseq).await;
                }
                _ => std::future::pending().await,
            }
        };
        let woken = tokio::select! {
            filled = self.io.fill() => Woken::Input(filled),
            () = news => Woken::News,
            () = sleep_until(timer) => Woken::Timer,
            () = self.shutdown.cancelled() => Woken::Shutdown,
        };
        // A client that does not read its updates has a shorter timeout than a silent one.
        self.io.set_timeout(self.server.data_timeout);
        woken
    }

    async fn idle_done(&mut self, tag: &Tag, line: &[u8]) -> Result<(), Stop> {
        if !line.eq_ignore_ascii_case(b"DONE") {
            self.bad_commands += 1;
            self.tagged(tag, &Answer::bad("Expected DONE."));
            self.end_if_flooded();
            return Ok(());
        }
        Box::pin(self.sync(Sync::ALL)).await;
        self.tagged(tag, &Answer::ok("Idle completed."));
        Ok(())
    }
}
