//! Clients that do not wait for their turn: most of them send nothing that anybody wants.

use rules::Early;
use session_io::SessionError;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Connection;
use crate::replies;

impl Connection {
    /// Holds the greeting back as long as the rules say; false when the client has spoken meanwhile
    /// and that was the end of it.
    pub(super) async fn waits_for_greeting(&mut self) -> Result<bool, SessionError> {
        let Some(snapshot) = self.server.policy.current() else {
            return Ok(true);
        };
        if self.may_override_peer() {
            // A proxy: its client is not known yet.
            return Ok(true);
        }
        let trust = snapshot.policy.trust(&self.facts);
        let rules = snapshot.policy.receiving(trust.trusted);
        if !rules.refuse_early_talkers && rules.greeting_delay.is_zero() {
            return Ok(true);
        }
        let greeting = Instant::now() + rules.greeting_delay;
        if self.speaks_before(greeting).await? {
            let verdict = snapshot.policy.accept_early_talker(&trust, Early::Greeting);
            if !verdict.is_accepted() {
                self.note_refusal(verdict.name, &verdict.reasons);
                let reply = replies::of_verdict(&verdict);
                self.session.close(&reply, self.io.output());
                return Ok(false);
            }
            tokio::select! {
                () = sleep_until(greeting) => {}
                () = self.shutdown.cancelled() => {}
            }
        }
        Ok(true)
    }

    async fn speaks_before(&mut self, greeting: Instant) -> Result<bool, SessionError> {
        if !self.io.input().is_empty() {
            return Ok(true);
        }
        tokio::select! {
            biased;
            filled = timeout_at(greeting, self.io.fill_meanwhile()) => match filled {
                // One that has gone is found out when it is greeted.
                Ok(filled) => Ok(filled? != 0),
                Err(_) => Ok(false),
            },
            () = self.shutdown.cancelled() => Ok(false),
        }
    }

    /// Whether the client waits for the answer to its EHLO. Otherwise the session is closed.
    pub(super) fn waits_for_hello(&mut self) -> bool {
        if self.io.input().is_empty() || self.may_override_peer() {
            return true;
        }
        let Some(snapshot) = self.server.policy.current() else {
            return true;
        };
        let trust = snapshot.policy.trust(&self.facts);
        let verdict = snapshot.policy.accept_early_talker(&trust, Early::Hello);
        if !verdict.is_accepted() {
            self.note_refusal(verdict.name, &verdict.reasons);
            let reply = replies::of_verdict(&verdict);
            self.session.close(&reply, self.io.output());
        }
        verdict.is_accepted()
    }
}
