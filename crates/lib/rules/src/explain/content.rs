//! The end of the message: what becomes of it when it has come.

use serde::Serialize;

use super::receiving_rules::{Stage, told};
use super::{Play, Step};
use crate::decide::authentication::charges;
use crate::explain::circumstances::{Screened, Unwanted};
use crate::values::attachments::AttachmentAction;
use crate::values::authentication::{Action, AuthenticationFacts, Finding};
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// What would become of the message, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageEnd {
    /// What the client is told, with the reasons.
    pub verdict: Verdict,
    /// What is marked in its header.
    pub marks: Vec<&'static str>,
    /// Whether it goes to Junk mailboxes.
    pub junk: bool,
    /// For what it is kept in quarantine; empty when it is not.
    pub quarantine: Vec<Verdict>,
    /// The attachments that are taken out.
    pub removed: Vec<String>,
}

impl MessageEnd {
    /// What is marked of a message that is taken, and whether it stays whole, in the words of
    /// scripts. Nothing of one that is not.
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

/// What a play knows of the message.
struct Content<'a> {
    policy: &'a Policy,
    play: &'a Play<'a>,
    trust: &'a Trust,
    vouched_for: AuthenticationFacts,
    screened: Screened,
}

/// Judges the message, and tells the rules up to the one that refuses it.
pub(super) fn play(policy: &Policy, play: &Play<'_>, trust: &Trust) -> (Vec<Step>, MessageEnd) {
    let helo = play.facts.helo.as_deref();
    let content = Content {
        policy,
        play,
        trust,
        vouched_for: play
            .circumstances
            .vouched_for(play.facts.peer, helo, play.sender),
        screened: play.screened(&policy.receiving(trust.trusted).attachments),
    };
    let (end, cause) = content.judge();
    let outcome = |rule: &str| content.outcome(rule);
    let steps = told(Stage::Message, policy, play, trust, cause, &outcome);
    (steps, end)
}

impl Content<'_> {
    /// With the name of the verdict that it would be if all of the session's trust were known.
    fn judge(&self) -> (MessageEnd, &'static str) {
        let mut end = MessageEnd {
            verdict: Verdict::accepted(),
            marks: Vec::new(),
            junk: false,
            quarantine: Vec::new(),
            removed: Vec::new(),
        };
        let unwanted = self.unwanted();
        let kept = self.attachment_action() == AttachmentAction::Quarantine;
        // What is not taken is found while it comes, before its end.
        if let Some((verdict, cause)) = unwanted.clone().filter(|_| !kept) {
            end.verdict = verdict;
            return (end, cause);
        }
        let vouched_for = self
            .policy
            .accept_authentication(self.trust, &self.vouched_for);
        if !vouched_for.verdict.is_accepted() {
            let cause = vouched_for.verdict.name;
            end.verdict = vouched_for.verdict;
            return (end, cause);
        }
        if let Some((verdict, cause)) = unwanted
            .clone()
            .filter(|(verdict, _)| verdict.is_temporary())
        {
            end.verdict = verdict;
            return (end, cause);
        }
        let authors = self.play.circumstances.authors.clone();
        let authors = authors.unwrap_or_default();
        let verdict = self.policy.accept_authors(self.play.facts, authors);
        let cause = verdict.name;
        end.verdict = verdict;
        if end.verdict.is_accepted() {
            end.marks = vouched_for.marks;
            end.junk = vouched_for.junk;
            end.quarantine = vouched_for.quarantine;
            end.quarantine.extend(unwanted.map(|(verdict, _)| verdict));
            end.removed.clone_from(&self.screened.removed);
        }
        (end, cause)
    }

    fn attachment_action(&self) -> AttachmentAction {
        self.policy.receiving(self.trust.trusted).attachments.action
    }

    fn unwanted(&self) -> Option<(Verdict, &'static str)> {
        let unwanted = self.screened.unwanted.as_ref()?;
        Some((unwanted.verdict(self.trust), unwanted.name()))
    }

    /// What a rule comes to that does not refuse the message.
    fn outcome(&self, rule: &str) -> Option<String> {
        let facts = &self.vouched_for;
        match rule {
            "spf" => self.of_method("spf-", facts.spf.as_ref().or(facts.spf_helo.as_ref())),
            "dkim" => self.of_method("dkim-", facts.dkim.as_ref()),
            "dmarc" => self.of_method("dmarc-", facts.dmarc.as_ref()),
            "iprev" => self.of_method("iprev-", facts.iprev.as_ref()),
            "arc" => facts.arc.as_ref().map(Finding::told),
            "block-attachments" => match &self.screened {
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

    fn of_method(&self, verdicts: &str, finding: Option<&Finding>) -> Option<String> {
        let rules = &self.policy.receiving(self.trust.trusted).authentication;
        let action = charges(rules, &self.vouched_for)
            .into_iter()
            .filter(|(_, verdict)| verdict.name.starts_with(verdicts))
            .map(|(action, _)| action)
            .max()
            .unwrap_or_default();
        let done = match action {
            Action::Accept => "passed",
            Action::Mark => "marked",
            Action::Junk => "marked, to Junk",
            Action::Quarantine => "marked, quarantine",
            // Another rule refuses it, and for good.
            Action::Refuse => "refused as well",
        };
        Some(format!("{}: {done}", finding?.told()))
    }
}
