//! Clients that send before their turn: most of them send spam.

use rules::admission::talk::Question;
use rules::admission::{Admission, Next};
use rules::{Early, Verdict};
use session_io::SessionError;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Connection;
use crate::replies;

impl Connection {
    /// Delays the greeting as the rules require. False if the client has sent something meanwhile and was
    /// rejected.
    pub(super) async fn waits_for_greeting(&mut self) -> Result<bool, SessionError> {
        let Some(snapshot) = self.server.policy.current() else {
            return Ok(true);
        };
        if self.may_override_peer() {
            // A proxy's client is not known yet.
            return Ok(true);
        }
        let trust = snapshot.policy.trust(&self.facts);
        let mut admission = Admission::talk(&snapshot.policy, &trust, Early::Greeting);
        let Next::Ask(Question::Speaks { held_back }) = admission.proceed() else {
            return Ok(true);
        };
        let greeting = Instant::now() + held_back;
        if self.speaks_before(greeting).await? {
            admission.spoke(true.into());
            if let Next::End(verdict) = admission.proceed()
                && !verdict.is_accepted()
            {
                self.send_early_talker_away(&verdict);
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
                // A closed connection is noticed at the greeting.
                Ok(filled) => Ok(filled? != 0),
                Err(_) => Ok(false),
            },
            () = self.shutdown.cancelled() => Ok(false),
        }
    }

    /// Whether the client waits for the reply to EHLO. Otherwise the session is closed.
    pub(super) fn waits_for_hello(&mut self) -> bool {
        if self.io.input().is_empty() || self.may_override_peer() {
            return true;
        }
        let Some(snapshot) = self.server.policy.current() else {
            return true;
        };
        let trust = snapshot.policy.trust(&self.facts);
        let mut admission = Admission::talk(&snapshot.policy, &trust, Early::Hello);
        admission.spoke(true.into());
        let Next::End(verdict) = admission.proceed() else {
            return true;
        };
        if !verdict.is_accepted() {
            self.send_early_talker_away(&verdict);
        }
        verdict.is_accepted()
    }

    fn send_early_talker_away(&mut self, verdict: &Verdict) {
        self.note_refusal(verdict.name, &verdict.reasons);
        let reply = replies::of_verdict(verdict);
        self.session.close(&reply, self.io.output());
    }
}
