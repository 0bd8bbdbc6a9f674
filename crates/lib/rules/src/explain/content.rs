//! The verdict at the end of the message.

use serde::Serialize;

use crate::admission::content::Content;
use crate::admission::{Admission, Stage as _};
use crate::decide::authentication::Method;
use crate::explain::play::Play;
use crate::explain::rules::steps;
use crate::explain::step::Step;
use crate::values::attachments::{Screened, Unwanted};
use crate::values::authentication::{Action, Finding};
use crate::values::content::Taken;
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// The predicted result for the message, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageEnd {
    /// The reply to the client, with the reasons.
    pub verdict: Verdict,
    /// The marks in its header.
    pub marks: Vec<&'static str>,
    /// Whether it is delivered to Junk mailboxes.
    pub junk: bool,
    /// The reasons for quarantine; empty if it is not quarantined.
    pub quarantine: Vec<Verdict>,
    /// The removed attachments.
    pub removed: Vec<String>,
}

impl MessageEnd {
    /// The marks of an accepted message, and whether it stays whole, in the notation of scripts. Empty if
    /// it is refused.
    pub fn becomes(&self) -> Vec<String> {
        if !self.verdict.is_accepted() {
            return Vec::new();
        }
        let marks = self.marks.iter().map(|mark| format!("marked {mark}"));
        let mut words: Vec<String> = marks.collect();
        if words.is_empty() {
            words.push("unmarked".to_owned());
        }
        let whole = self.removed.is_empty();
        words.push(if whole { "whole" } else { "stripped" }.to_owned());
        words
    }
}

/// Judges the message, and reports the rules up to the refusing one.
pub(super) fn play(policy: &Policy, play: &Play<'_>, trust: &Trust) -> (Vec<Step>, MessageEnd) {
    let screened = play.screened(&policy.receiving(trust.trusted).attachments);
    let mut admission = Admission::content(policy, play.facts, trust);
    let verdict = play.content(&mut admission, screened.as_ref());
    let screened = screened.unwrap_or_default();
    let told = steps(&admission, &|rule| {
        outcome(admission.stage(), &screened, rule)
    });
    let (taken, removed) = if verdict.is_accepted() {
        (admission.taken(), screened.removed)
    } else {
        (Taken::default(), Vec::new())
    };
    let end = MessageEnd {
        verdict,
        marks: taken.marks,
        junk: taken.junk,
        quarantine: taken.quarantine,
        removed,
    };
    (told, end)
}

/// The effect of a rule that does not refuse the message.
fn outcome(content: &Content<'_>, screened: &Screened, rule: &str) -> Option<String> {
    let of = |method, finding| of_method(content, method, finding);
    let found = content.facts();
    match rule {
        "spf" => of(
            Method::Spf,
            found?.spf.as_ref().or(found?.spf_helo.as_ref()),
        ),
        "dkim" => of(Method::Dkim, found?.dkim.as_ref()),
        "dmarc" => of(Method::Dmarc, found?.dmarc.as_ref()),
        "iprev" => of(Method::Iprev, found?.iprev.as_ref()),
        "arc" => found?.arc.as_ref().map(Finding::told),
        "block-attachments" => match screened {
            Screened {
                unwanted: Some(Unwanted::Blocked(found) | Unwanted::Unclear(found)),
                ..
            } => Some(format!("{found}: quarantine")),
            Screened { removed, .. } if !removed.is_empty() => {
                Some(format!("{}: taken out", removed.join("; ")))
            }
            _ => None,
        },
        _ => None,
    }
}

fn of_method(content: &Content<'_>, method: Method, finding: Option<&Finding>) -> Option<String> {
    let charges = content.rules().authentication.charges(content.facts()?);
    let action = charges
        .into_iter()
        .filter(|charge| charge.method == method)
        .map(|charge| charge.action)
        .max()
        .unwrap_or_default();
    let done = match action {
        Action::Accept => "passed",
        Action::Mark => "marked",
        Action::Junk => "marked, to Junk",
        Action::Quarantine => "marked, quarantine",
        // Another rule refuses it permanently.
        Action::Refuse => "refused as well",
    };
    Some(format!("{}: {done}", finding?.told()))
}
