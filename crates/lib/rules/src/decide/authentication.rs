//! What becomes of a message by what vouches for its sender. The checks themselves ask the DNS and
//! are made elsewhere; here their results are judged.

mod refusals;

use crate::values::authentication::{
    Action, AuthenticationFacts, AuthenticationResult, AuthenticationVerdict, DmarcRequest, Finding,
};
use crate::values::authentication_rules::{AuthenticationRules, DmarcRules};
use crate::values::domain::Domain;
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

impl Policy {
    /// The end of the message: whether it is taken, by what vouches for its sender. What cannot be
    /// known because the DNS is silent never refuses a message for good.
    pub fn accept_authentication(
        &self,
        trust: &Trust,
        facts: &AuthenticationFacts,
    ) -> AuthenticationVerdict {
        let rules = &self.receiving(trust.trusted).authentication;
        let mut refusals = Vec::new();
        let mut marks = Vec::new();
        let mut junk = false;
        let mut quarantine = Vec::new();
        for (action, verdict) in charges(rules, facts) {
            match action {
                Action::Accept => {}
                Action::Mark => marks.push(verdict.name),
                Action::Junk => {
                    marks.push(verdict.name);
                    junk = true;
                }
                Action::Quarantine => {
                    marks.push(verdict.name);
                    quarantine.push(verdict);
                }
                Action::Refuse => refusals.push(verdict),
            }
        }
        // What is refused for good is not worth another attempt.
        let temporary = refusals.iter().position(Verdict::is_temporary);
        let permanent = refusals.iter().position(|verdict| !verdict.is_temporary());
        let verdict = match permanent.or(temporary) {
            Some(index) => refusals.swap_remove(index),
            None => Verdict::accepted(),
        };
        AuthenticationVerdict {
            verdict,
            marks,
            junk,
            quarantine,
        }
    }
}

/// What speaks against the message, and what the rules do about it.
pub(crate) fn charges(
    rules: &AuthenticationRules,
    facts: &AuthenticationFacts,
) -> Vec<(Action, Verdict)> {
    let mut charges = Vec::new();
    if let Some(finding) = &facts.dmarc {
        charges.extend(dmarc(&rules.dmarc, finding, facts, &rules.arc_trusted));
    }
    if let Some(finding) = &facts.spf {
        let action = rules.spf.action(finding.result);
        charges.extend(refusals::spf(finding).map(|verdict| (action, verdict)));
    }
    if let Some(finding) = &facts.spf_helo
        && finding.result == AuthenticationResult::Fail
    {
        let action = rules.spf.action(finding.result);
        charges.push((action, refusals::spf_helo(finding)));
    }
    if let Some(finding) = &facts.dkim {
        let action = rules.dkim.action(finding.result);
        charges.extend(refusals::dkim(finding).map(|verdict| (action, verdict)));
    }
    if let Some(finding) = &facts.iprev {
        let action = rules.iprev.action(finding.result);
        charges.extend(refusals::iprev(finding).map(|verdict| (action, verdict)));
    }
    charges
}

fn dmarc(
    rules: &DmarcRules,
    finding: &Finding,
    facts: &AuthenticationFacts,
    trusted: &[Domain],
) -> Option<(Action, Verdict)> {
    let verdict = refusals::dmarc(finding, facts.dmarc_request)?;
    let action = match (finding.result, facts.dmarc_request) {
        (AuthenticationResult::TempError, _) => rules.temperror,
        (AuthenticationResult::PermError, DmarcRequest::None) => rules.permerror,
        // Nobody can tell whose policy it is.
        (AuthenticationResult::PermError, _) => rules.permerror.max(rules.quarantine),
        (_, DmarcRequest::None) => rules.none,
        (_, DmarcRequest::Quarantine) => rules.quarantine,
        (_, DmarcRequest::Reject) => rules.reject,
    };
    // RFC 8617 §7.2.1: an intermediary that is believed says how it was when it came there.
    if finding.result == AuthenticationResult::Fail && sealed_by_one_of(trusted, facts) {
        return None;
    }
    Some((action, verdict))
}

fn sealed_by_one_of(trusted: &[Domain], facts: &AuthenticationFacts) -> bool {
    facts.arc.as_ref().is_some_and(|arc| {
        arc.result == AuthenticationResult::Pass
            && Domain::parse(&arc.subject).is_ok_and(|sealer| trusted.contains(&sealer))
    })
}

#[cfg(test)]
mod tests;
