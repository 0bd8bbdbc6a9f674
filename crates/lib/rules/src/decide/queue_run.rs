//! The verdict on ETRN.

use crate::decide::trust::until_trust_is_known;
use crate::values::domain::Domain;
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::{Verdict, refusals};

impl Policy {
    /// ETRN: whether this peer may start delivery of the mail that waits for that domain.
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
