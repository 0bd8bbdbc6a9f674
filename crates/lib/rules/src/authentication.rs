//! What becomes of a message by what vouches for its sender: reverse DNS, SPF, DKIM, DMARC, ARC.
//! The checks themselves ask the DNS and are made elsewhere; here are their results, and the
//! decision.

mod refusals;

use std::fmt;

use serde::Serialize;

use crate::document::{AuthenticationRules, DmarcRules};
use crate::domain::Domain;
use crate::policy::Policy;
use crate::trust::Trust;
use crate::verdict::Verdict;

/// What a check ended in, in the words of RFC 8601 §2.7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthenticationResult {
    /// It holds.
    Pass,
    /// Nobody vouches: there is no record, or no signature.
    None,
    /// The domain says that it does not know (SPF), or a signature cannot be read (DKIM).
    Neutral,
    /// The domain says that it is probably not its mail (SPF).
    SoftFail,
    /// It does not hold.
    Fail,
    /// A signature of a kind that proves nothing (DKIM).
    Policy,
    /// The DNS did not answer: it may end otherwise later.
    TempError,
    /// A record is wrong.
    PermError,
}

impl AuthenticationResult {
    pub(crate) const ALL: [Self; 8] = [
        Self::Pass,
        Self::None,
        Self::Neutral,
        Self::SoftFail,
        Self::Fail,
        Self::Policy,
        Self::TempError,
        Self::PermError,
    ];

    /// As `Authentication-Results` and the policy spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::SoftFail => "softfail",
            Self::Fail => "fail",
            Self::Policy => "policy",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl fmt::Display for AuthenticationResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the domain of the author asks for where DMARC fails (RFC 7489 §6.3). That it wants to be
/// obeyed for a part of its mail only (`pct`) is not looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcRequest {
    /// Nothing.
    #[default]
    None,
    /// To be looked at with suspicion; so is an author who cannot be told, of whatever domain.
    Quarantine,
    /// To be refused.
    Reject,
}

impl DmarcRequest {
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::Quarantine, Self::Reject];

    /// As the domain's record spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

/// A check that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What it ended in.
    pub result: AuthenticationResult,
    /// Whose record or signature was looked at: a domain or an address.
    pub subject: String,
}

impl Finding {
    /// `fail (bad.test)`
    pub(crate) fn told(&self) -> String {
        match self.subject.as_str() {
            "" => self.result.to_string(),
            subject => format!("{} ({subject})", self.result),
        }
    }
}

/// The checks of a message; `None` where one was not made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuthenticationFacts {
    /// Whether the peer's address has a name that has that address.
    pub iprev: Option<Finding>,
    /// SPF of the name in HELO.
    pub spf_helo: Option<Finding>,
    /// SPF of the reverse-path; that of HELO where the reverse-path is null (RFC 7208 §2.4).
    pub spf: Option<Finding>,
    /// The best of the DKIM signatures.
    pub dkim: Option<Finding>,
    /// DMARC of the author's domain.
    pub dmarc: Option<Finding>,
    /// What that domain asks for.
    pub dmarc_request: DmarcRequest,
    /// The chain of ARC sets; the subject is who sealed last.
    pub arc: Option<Finding>,
}

/// What becomes of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthenticationVerdict {
    /// Whether it is taken.
    pub verdict: Verdict,
    /// What is marked in its header, by the names that verdicts have.
    pub marks: Vec<&'static str>,
    /// Whether it is to go to Junk mailboxes.
    pub junk: bool,
    /// For what it is kept in quarantine; empty when it is not.
    pub quarantine: Vec<Verdict>,
}

/// What a rule does about a result, from the mildest to the strictest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing.
    #[default]
    Accept,
    /// The message is taken and marked in its header.
    Mark,
    /// It is marked, and goes to the Junk mailboxes of those who have mailboxes here.
    Junk,
    /// It is marked, taken, and kept: delivered only when an administrator releases it.
    Quarantine,
    /// The message is refused; for now, where the result may be another later.
    Refuse,
}

impl Action {
    /// As the policy spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Mark => "mark",
            Self::Junk => "junk",
            Self::Quarantine => "quarantine",
            Self::Refuse => "refuse",
        }
    }
}

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
