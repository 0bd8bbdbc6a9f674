//! The verdicts for refused or marked results. Names and codes are stable: codes follow RFC 7372; missing
//! DNS answers are 4yz.

use crate::values::authentication::{AuthenticationResult as R, DmarcRequest, Finding};
use crate::values::verdict::Verdict;
use crate::values::verdict::refusals::refusal;

const SPF_FAILED: &str = "SPF validation failed";
const NO_DKIM: &str = "No passing DKIM signature found";
const NO_REVERSE_DNS: &str = "Reverse DNS validation failed";
const DMARC_FAILED: &str = "Not authorized by the domain of the author (DMARC)";
const LATER: &str = "Sender cannot be authenticated now, try again later";

const fn permanent(name: &'static str, enhanced: &'static str, text: &'static str) -> Verdict {
    refusal(name, 550, enhanced, text)
}

const fn temporary(name: &'static str, enhanced: &'static str) -> Verdict {
    refusal(name, 451, enhanced, LATER)
}

pub(super) fn spf(finding: &Finding) -> Option<Verdict> {
    let verdict = match finding.result {
        R::Pass => return None,
        R::Fail => permanent("spf-fail", "5.7.23", SPF_FAILED),
        R::SoftFail => permanent("spf-softfail", "5.7.23", SPF_FAILED),
        R::Neutral | R::Policy => permanent("spf-neutral", "5.7.23", SPF_FAILED),
        R::None => permanent("spf-none", "5.7.23", SPF_FAILED),
        R::PermError => permanent("spf-permerror", "5.7.24", "SPF validation error"),
        R::TempError => temporary("spf-temperror", "4.7.24"),
    };
    Some(because(verdict, "SPF", finding))
}

pub(super) fn spf_helo(finding: &Finding) -> Verdict {
    let verdict = permanent("spf-helo-fail", "5.7.23", SPF_FAILED);
    because(verdict, "SPF of HELO", finding)
}

pub(super) fn dkim(finding: &Finding) -> Option<Verdict> {
    let verdict = match finding.result {
        R::Pass => return None,
        R::Fail | R::SoftFail => permanent("dkim-fail", "5.7.20", NO_DKIM),
        R::Neutral => permanent("dkim-neutral", "5.7.20", NO_DKIM),
        R::Policy => permanent("dkim-policy", "5.7.20", NO_DKIM),
        R::None => permanent("dkim-none", "5.7.20", NO_DKIM),
        R::PermError => permanent("dkim-permerror", "5.7.20", NO_DKIM),
        R::TempError => temporary("dkim-temperror", "4.7.20"),
    };
    Some(because(verdict, "DKIM", finding))
}

pub(super) fn iprev(finding: &Finding) -> Option<Verdict> {
    let verdict = match finding.result {
        R::Pass => return None,
        R::PermError | R::None => permanent("iprev-permerror", "5.7.25", NO_REVERSE_DNS),
        R::TempError => temporary("iprev-temperror", "4.7.25"),
        R::Fail | R::SoftFail | R::Neutral | R::Policy => {
            permanent("iprev-fail", "5.7.25", NO_REVERSE_DNS)
        }
    };
    Some(because(verdict, "reverse DNS", finding))
}

/// A domain without a record is never held against a message.
pub(super) fn dmarc(finding: &Finding, request: DmarcRequest) -> Option<Verdict> {
    let verdict = match (finding.result, request) {
        (R::Pass | R::None, _) => return None,
        (R::TempError, _) => temporary("dmarc-temperror", "4.7.26"),
        (R::PermError, _) => permanent("dmarc-permerror", "5.7.26", DMARC_FAILED),
        (_, DmarcRequest::Reject) => permanent("dmarc-reject", "5.7.26", DMARC_FAILED),
        (_, DmarcRequest::Quarantine) => permanent("dmarc-quarantine", "5.7.26", DMARC_FAILED),
        (_, DmarcRequest::None) => permanent("dmarc-none", "5.7.26", DMARC_FAILED),
    };
    Some(because(verdict, "DMARC", finding))
}

fn because(verdict: Verdict, check: &str, finding: &Finding) -> Verdict {
    let Finding { result, subject } = finding;
    verdict.because(format!("{check} is `{result}` for \"{subject}\""))
}
