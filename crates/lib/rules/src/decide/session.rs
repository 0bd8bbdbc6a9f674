//! What a session may do before and beside MAIL.

use crate::decide::trust::until_trust_is_known;
use crate::values::domain::Domain;
use crate::values::facts::{Early, SessionFacts};
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

impl Policy {
    /// Whether a client that spoke before its turn may go on.
    pub fn accept_early_talker(&self, trust: &Trust, early: Early) -> Verdict {
        if !self.receiving(trust.trusted).refuse_early_talkers {
            return Verdict::accepted();
        }
        let when = match early {
            Early::Greeting => "it spoke before the greeting",
            Early::Hello => "it went on before EHLO was answered",
        };
        let refusal = refusals::EARLY_TALKER
            .because(when)
            .because(format!("`refuse-early-talkers` for {}", trust.class()));
        until_trust_is_known(trust, refusal)
    }

    /// MAIL: whether mail is taken of one who may not have logged in. smtp-server does not ask this:
    /// it tells its session whether [`ListenerRole::needs_login`](crate::ListenerRole::needs_login).
    pub(crate) fn accept_without_login(&self, facts: &SessionFacts) -> Verdict {
        if facts.login.is_some() || !facts.role.needs_login() {
            return Verdict::accepted();
        }
        refusals::LOGIN_REQUIRED.because(format!(
            "the listener `{}` is a submission port, and nobody has logged in",
            facts.listener
        ))
    }

    /// ETRN: whether mail that waits for that domain is tried at this peer's word.
    pub fn accept_queue_run(&self, trust: &Trust, domain: &Domain) -> Verdict {
        if trust.trusted {
            return Verdict::accepted();
        }
        let refusal = refusals::QUEUE_RUN_DENIED
            .because(format!("ETRN for {domain}"))
            .because(format!("the peer is not trusted: {}", trust.name));
        until_trust_is_known(trust, refusal)
    }
}
