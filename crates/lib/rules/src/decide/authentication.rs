//! The verdict on a message by its sender authentication. The checks themselves need the DNS and are made
//! elsewhere; here their results are judged.

mod refusals;

use crate::values::authentication::{
    Action, AuthenticationFacts, AuthenticationResult, DmarcRequest, Finding,
};
use crate::values::authentication_rules::{AuthenticationRules, DmarcRules};
use crate::values::content::Taken;
use crate::values::domain::Domain;
use crate::values::verdict::Verdict;

/// A method of sender authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Spf,
    Dkim,
    Dmarc,
    Iprev,
}

/// A negative result, and the action of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) method: Method,
    pub(crate) action: Action,
    pub(crate) verdict: Verdict,
}

/// The result for a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The refusing method and its verdict.
    pub(crate) refusal: Option<(Method, Verdict)>,
    /// What happens to the message if it is not refused.
    pub(crate) taken: Taken,
}

impl AuthenticationRules {
    /// Judges a message by its sender authentication. A missing DNS answer never refuses a message
    /// permanently.
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
        // A permanent refusal wins over a temporary one: another attempt would be useless.
        let temporary = |(_, verdict): &(Method, Verdict)| verdict.is_temporary();
        let permanent = refusals.iter().position(|refusal| !temporary(refusal));
        let refusal = permanent.or_else(|| refusals.iter().position(temporary));
        Judgement {
            refusal: refusal.map(|index| refusals.swap_remove(index)),
            taken,
        }
    }

    /// The negative results, and the actions of the rules.
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
        // An ambiguous author: the domain whose policy applies is not known.
        (AuthenticationResult::PermError, _) => rules.permerror.max(rules.quarantine),
        (_, DmarcRequest::None) => rules.none,
        (_, DmarcRequest::Quarantine) => rules.quarantine,
        (_, DmarcRequest::Reject) => rules.reject,
    };
    // RFC 8617 §7.2.1: a trusted intermediary reports the result at its arrival there.
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
