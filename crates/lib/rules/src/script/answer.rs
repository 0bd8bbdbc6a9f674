//! Expected and actual answers.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::explain::content::MessageEnd;
use crate::explain::step::Step;
use crate::values::trust::{Trust, class};
use crate::values::verdict::Verdict;

/// An expected answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// The name of a verdict, or of a trust decision or its class.
    pub verdict: String,
    /// The reply code, if given.
    pub code: Option<u16>,
    /// The route, if given.
    pub route: Option<String>,
    /// Further effects on a message, if given: `marked NAME`, `unmarked`, `whole`, `stripped`.
    pub becomes: Vec<String>,
}

/// A policy's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The name of the verdict, or of the trust decision.
    pub verdict: &'static str,
    /// The reply code; none for trust.
    pub code: Option<u16>,
    /// The route of an accepted recipient.
    pub route: Option<String>,
    /// The effects on an accepted message: its marks, and whether it stays whole.
    pub becomes: Vec<String>,
    /// Whether the session is trusted.
    pub trusted: bool,
    /// The reasons.
    pub reasons: Vec<Cow<'static, str>>,
    /// The evaluated rules, in order.
    pub steps: Vec<Step>,
}

impl Found {
    pub(super) fn trust(trust: Trust, steps: Vec<Step>) -> Self {
        Self {
            steps,
            verdict: trust.name,
            code: None,
            route: None,
            becomes: Vec::new(),
            trusted: trust.trusted,
            reasons: trust.reasons,
        }
    }

    /// The answer for a received message; a message that is only marked counts as accepted.
    pub(super) fn message(end: MessageEnd, trusted: bool, steps: Vec<Step>) -> Self {
        let becomes = end.becomes();
        let MessageEnd {
            verdict,
            junk,
            quarantine,
            ..
        } = end;
        let mut found = Self::verdict(verdict, trusted, None, steps);
        found.becomes = becomes;
        if found.verdict == "accepted" && !quarantine.is_empty() {
            found.verdict = "quarantine";
            found.reasons = quarantine
                .iter()
                .map(|charge| charge.to_string().into())
                .collect();
        } else if found.verdict == "accepted" && junk {
            found.verdict = "junk";
        }
        found
    }

    pub(super) fn verdict(
        verdict: Verdict,
        trusted: bool,
        route: Option<String>,
        steps: Vec<Step>,
    ) -> Self {
        Self {
            steps,
            verdict: verdict.name,
            code: Some(verdict.code),
            route,
            becomes: Vec::new(),
            trusted,
            reasons: verdict.reasons,
        }
    }
}

impl Expected {
    pub(super) fn is_met_by(&self, found: &Found) -> bool {
        let named = self.verdict == found.verdict
            || (found.code.is_none() && self.verdict == class(found.trusted));
        named
            && (self.code.is_none() || self.code == found.code)
            && (self.route.is_none() || self.route == found.route)
            && self.becomes.iter().all(|word| found.becomes.contains(word))
    }
}

/// `relay-denied 550`, `accepted 250 (mailbox bob@example.test)`
fn write_answer(
    f: &mut fmt::Formatter<'_>,
    verdict: &str,
    code: Option<u16>,
    route: Option<&str>,
    becomes: &[String],
) -> fmt::Result {
    f.write_str(verdict)?;
    if let Some(code) = code {
        write!(f, " {code}")?;
    }
    match route {
        Some(route) => write!(f, " ({route})"),
        None if becomes.is_empty() => Ok(()),
        None => write!(f, " ({})", becomes.join(", ")),
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_answer(
            f,
            &self.verdict,
            self.code,
            self.route.as_deref(),
            &self.becomes,
        )
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_answer(
            f,
            self.verdict,
            self.code,
            self.route.as_deref(),
            &self.becomes,
        )
    }
}
