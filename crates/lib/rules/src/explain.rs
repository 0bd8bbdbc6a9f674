//! Plays a session that has not happened, and tells what was looked at.
//!
//! Nothing is decided here: every verdict comes from the functions that smtp-server asks too. A new
//! fact is a line in `facts`, a new receiving rule a line in `receiving_rules`.

mod facts;
mod receiving_rules;
mod recipient;

use serde::Serialize;

use crate::address::EmailAddress;
use crate::facts::SessionFacts;
use crate::path::ReversePath;
use crate::policy::Policy;
use crate::trust::{Answer, Trust, TrustAction, by_facts};
use crate::verdict::Verdict;

pub use facts::Fact;
pub use recipient::RecipientStory;

/// The session to be played.
pub struct Play<'a> {
    /// Its facts.
    pub facts: &'a SessionFacts,
    /// MAIL FROM.
    pub sender: &'a ReversePath,
    /// The size that MAIL declares.
    pub size: Option<u64>,
    /// RCPT TO, as the client writes them.
    pub recipients: &'a [String],
    /// Recipients that the message has already.
    pub taken: usize,
    /// Whether a user has a mailbox. Asked for those of [`Policy::users_asked`] alone.
    pub has_user: &'a dyn Fn(&EmailAddress) -> bool,
}

/// What would happen, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The facts, by name.
    pub facts: Vec<Fact>,
    /// Each rule that was looked at before the recipients, in order.
    pub steps: Vec<Step>,
    /// Whether the session is trusted.
    pub trust: Trust,
    /// What MAIL is answered.
    pub sender: Verdict,
    /// What becomes of each recipient.
    pub recipients: Vec<RecipientStory>,
    /// Each rule that the message is held to when it has come, if a recipient is accepted.
    pub message: Vec<Step>,
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The rule.
    pub rule: String,
    /// What came of it.
    pub outcome: String,
}

impl Step {
    fn new(rule: impl Into<String>, outcome: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            outcome: outcome.into(),
        }
    }
}

impl Explanation {
    /// Whether every recipient would be accepted.
    pub fn is_accepted(&self) -> bool {
        self.sender.is_accepted()
            && self
                .recipients
                .iter()
                .all(|story| story.verdict.is_accepted())
    }
}

/// Plays a session against a policy.
pub fn explain(policy: &Policy, play: &Play<'_>) -> Explanation {
    let trust = policy.trust_of_sender(play.facts, play.sender);
    let sender = policy.accept_sender(play.facts, &trust, play.sender, play.size);
    let mut steps = tell_trust(policy, play);
    steps.extend(receiving_rules::of_connection(policy, play));
    steps.extend(receiving_rules::of_sender(policy, play, &trust, &sender));
    let mut taken = play.taken;
    let mut recipients = Vec::with_capacity(play.recipients.len());
    for text in play.recipients {
        let story = if sender.is_accepted() {
            recipient::play(policy, play, &trust, taken, text)
        } else {
            RecipientStory::refused(text, sender.clone())
        };
        taken += usize::from(story.verdict.is_accepted());
        recipients.push(story);
    }
    let message = if recipients.iter().any(|story| story.verdict.is_accepted()) {
        receiving_rules::of_message(policy, play, &trust)
    } else {
        Vec::new()
    };
    Explanation {
        facts: facts::told(play),
        steps,
        trust,
        sender,
        recipients,
        message,
    }
}

fn tell_trust(policy: &Policy, play: &Play<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for trust in policy.trust_policies() {
        let rule = format!("trust policy \"{}\" (line {})", trust.name, trust.line);
        let (outcome, decides) = match (trust.answer(play.facts, Some(play.sender)), trust.action) {
            (Answer::Mismatch(condition), _) => (format!("does not match: {condition}"), false),
            (Answer::Unknown, TrustAction::Trust) => {
                let unknown = "cannot be decided: the DNS does not answer";
                (unknown.to_owned(), false)
            }
            (Answer::Unknown, TrustAction::Distrust) => {
                ("distrust until the DNS answers".to_owned(), true)
            }
            (Answer::Matches, action) => (format!("matches: {action:?}").to_lowercase(), true),
        };
        steps.push(Step::new(rule, outcome));
        if decides {
            return steps;
        }
    }
    let trust = by_facts(play.facts);
    let outcome = format!("{}: {}", trust.class(), trust.reasons.join("; "));
    steps.push(Step::new("network and login", outcome));
    steps
}
