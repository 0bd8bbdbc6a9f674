//! What becomes of a message by what vouches for its sender. The checks themselves ask the DNS and
//! are made elsewhere; here their results are judged.

mod refusals;

use crate::values::authentication::{
    Action, AuthenticationFacts, AuthenticationResult, DmarcRequest, Finding,
};
use crate::values::authentication_rules::{AuthenticationRules, DmarcRules};
use crate::values::content::Taken;
use crate::values::domain::Domain;
use crate::values::verdict::Verdict;

/// A method by which somebody vouches for a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Spf,
    Dkim,
    Dmarc,
    Iprev,
}

/// What speaks against a message, and what the rules do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) method: Method,
    pub(crate) action: Action,
    pub(crate) verdict: Verdict,
}

/// What becomes of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// By which method it is refused, and how.
    pub(crate) refusal: Option<(Method, Verdict)>,
    /// What becomes of it otherwise.
    pub(crate) taken: Taken,
}

impl AuthenticationRules {
    /// Judges a message by what vouches for its sender. What cannot be known because the DNS is
    /// silent never refuses a message for good.
    pub(crate) fn judge(&self, facts: &AuthenticationFacts) -> Judgement {
        let mut refusals = Vec::new();
        let mut taken = Taken::default();
        for Charge {
            method,
            action,
            verdict,
        } in self.charges(facts)
        {
            match action {
                Action::Accept => {}
                Action::Mark => taken.marks.push(verdict.name),
                Action::Junk => {
                    taken.marks.push(verdict.name);
                    taken.junk = true;
                }
                Action::Quarantine => {
                    taken.marks.push(verdict.name);
                    taken.quarantine.push(verdict);
                }
                Action::Refuse => refusals.push((method, verdict)),
            }
        }
        // What is refused for good is not worth another attempt.
        let temporary = |(_, verdict): &(Method, Verdict)| verdict.is_temporary();
        let permanent = refusals.iter().position(|refusal| !temporary(refusal));
        let refusal = permanent.or_else(|| refusals.iter().position(temporary));
        Judgement {
            refusal: refusal.map(|index| refusals.swap_remove(index)),
            taken,
        }
    }

    /// What speaks against the message, and what the rules do about it.
    pub(crate) fn charges(&self, facts: &AuthenticationFacts) -> Vec<Charge> {
        let mut charges = Vec::new();
        let mut charge = |method, action, verdict: Option<Verdict>| {
            charges.extend(verdict.map(|verdict| Charge {
                method,
                action,
                verdict,
            }));
        };
        if let Some(finding) = &facts.dmarc
            && let Some((action, verdict)) = dmarc(&self.dmarc, finding, facts, &self.arc_trusted)
        {
            charge(Method::Dmarc, action, Some(verdict));
        }
        if let Some(finding) = &facts.spf {
            let action = self.spf.action(finding.result);
            charge(Method::Spf, action, refusals::spf(finding));
        }
        if let Some(finding) = &facts.spf_helo
            && finding.result == AuthenticationResult::Fail
        {
            let action = self.spf.action(finding.result);
            charge(Method::Spf, action, Some(refusals::spf_helo(finding)));
        }
        if let Some(finding) = &facts.dkim {
            let action = self.dkim.action(finding.result);
            charge(Method::Dkim, action, refusals::dkim(finding));
        }
        if let Some(finding) = &facts.iprev {
            let action = self.iprev.action(finding.result);
            charge(Method::Iprev, action, refusals::iprev(finding));
        }
        charges
    }
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
