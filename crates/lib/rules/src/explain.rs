//! Plays a session that has not happened, and tells what was looked at.
//!
//! Nothing is decided here: every verdict comes from the functions that smtp-server asks too. A new
//! fact is a line in `facts`, a new receiving rule a line in `receiving_rules::table`.

pub(crate) mod circumstances;
mod content;
mod facts;
mod judged;
mod receiving_rules;
mod recipient;

use std::sync::Arc;

use serde::Serialize;

use crate::decide::trust::{Answer, by_facts};
use crate::explain::circumstances::{Circumstances, Screened};
use crate::values::address::EmailAddress;
use crate::values::attachments::BlockedAttachments;
use crate::values::facts::SessionFacts;
use crate::values::path::ReversePath;
use crate::values::policy::Policy;
use crate::values::timing::Timing;
use crate::values::trust::{Trust, TrustAction};
use crate::values::verdict::Verdict;
use receiving_rules::{MAX_PRIORITY, PASSED, Stage, told};

pub use content::MessageEnd;
pub use facts::Fact;
pub use recipient::RecipientStory;

/// Looks through a message.
pub type Screen<'a> = dyn Fn(&Arc<BlockedAttachments>) -> Screened + 'a;

/// The session to be played.
pub struct Play<'a> {
    /// Its facts.
    pub facts: &'a SessionFacts,
    /// MAIL FROM.
    pub sender: &'a ReversePath,
    /// The size that MAIL declares.
    pub size: Option<u64>,
    /// What MAIL asks of when and how soon the message goes on.
    pub timing: Timing,
    /// RCPT TO, as the client writes them.
    pub recipients: &'a [String],
    /// Recipients that the message has already.
    pub taken: usize,
    /// Whether a user has a mailbox. Asked for those of [`Policy::users_asked`] alone.
    pub has_user: &'a dyn Fn(&EmailAddress) -> bool,
    /// What is known of the world around the session.
    pub circumstances: &'a Circumstances,
    /// Looks through the message for what the rules of attachments block, where there is one:
    /// counts instead of what the circumstances say of them.
    pub screen: Option<&'a Screen<'a>>,
}

impl Play<'_> {
    fn knows_attachments(&self) -> bool {
        self.screen.is_some() || self.circumstances.attachments.is_some()
    }

    fn screened(&self, rules: &Arc<BlockedAttachments>) -> Screened {
        match (self.screen, &self.circumstances.attachments) {
            (Some(screen), _) => screen(rules),
            (None, Some(attachments)) => attachments.screened(rules),
            (None, None) => Screened::default(),
        }
    }
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
    /// Whether the client is let in.
    pub connection: Verdict,
    /// What MAIL is answered; the same as the client reads who is not let in.
    pub sender: Verdict,
    /// What becomes of each recipient.
    pub recipients: Vec<RecipientStory>,
    /// Each rule that the message is held to when it has come, if a recipient is accepted; or if
    /// none is asked for, and the sender is.
    pub message: Vec<Step>,
    /// What becomes of it by what is known of it.
    pub end: Option<MessageEnd>,
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
    /// Whether the message would be accepted for every recipient, as far as all is known.
    pub fn is_accepted(&self) -> bool {
        self.sender.is_accepted()
            && self
                .recipients
                .iter()
                .all(|story| story.verdict.is_accepted())
            && self
                .end
                .as_ref()
                .is_none_or(|end| end.verdict.is_accepted())
    }
}

/// Plays a session against a policy.
pub fn explain(policy: &Policy, play: &Play<'_>) -> Explanation {
    let trust = policy.trust_of_sender(play.facts, play.sender);
    let mut steps = tell_trust(policy, play.facts, Some(play.sender));
    let (told, connection) = play_connection(policy, play);
    steps.extend(told);
    let sender = if connection.is_accepted() {
        let (told, sender) = play_sender(policy, play, &trust);
        steps.extend(told);
        sender
    } else {
        connection.clone()
    };
    let recipients = play_recipients(policy, play, &trust, &sender);
    let comes = if recipients.is_empty() {
        sender.is_accepted()
    } else {
        recipients.iter().any(|story| story.verdict.is_accepted())
    };
    let message = comes.then(|| content::play(policy, play, &trust));
    let (message, end) = message.map_or_else(Default::default, |(steps, end)| (steps, Some(end)));
    Explanation {
        facts: facts::told(play),
        steps,
        trust,
        connection,
        sender,
        recipients,
        message,
        end,
    }
}

/// The rules for the connection, by what was known of it then, and what the client is answered.
pub(crate) fn play_connection(policy: &Policy, play: &Play<'_>) -> (Vec<Step>, Verdict) {
    let (trust, judged) = judged::connection(policy, play);
    let stage = Stage::Connection;
    let mut steps = told(stage, policy, play, &trust, judged.cause, PASSED);
    if !judged.verdict.is_accepted() {
        return (steps, judged.verdict);
    }
    let (trust, judged) = judged::talk(policy, play);
    let talk = told(Stage::Talk, policy, play, &trust, judged.cause, PASSED);
    steps.extend(talk);
    (steps, judged.verdict)
}

/// The rules for a sender up to the one that refuses it.
fn play_sender(policy: &Policy, play: &Play<'_>, trust: &Trust) -> (Vec<Step>, Verdict) {
    let judged = judged::sender(policy, play, trust);
    let lowered = |rule: &str| {
        let asked = play.timing.priority.filter(|_| rule == MAX_PRIORITY)?;
        let priority = policy.priority(trust, asked);
        (priority != asked).then(|| format!("lowered to {priority}"))
    };
    let mut steps = told(Stage::Sender, policy, play, trust, judged.cause, &lowered);
    let answer = format!("MAIL FROM:<{}>", play.sender);
    steps.push(Step::new(answer, judged.verdict.name));
    (steps, judged.verdict)
}

fn play_recipients(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    sender: &Verdict,
) -> Vec<RecipientStory> {
    let mut taken = play.taken;
    let mut recipients = Vec::with_capacity(play.recipients.len());
    for text in play.recipients {
        let story = if sender.is_accepted() {
            recipient::play(policy, play, trust, taken, text)
        } else {
            RecipientStory::refused(text, sender.clone())
        };
        taken += usize::from(story.verdict.is_accepted());
        recipients.push(story);
    }
    recipients
}

/// The policies and facts that trust is decided by, up to the one that decides.
pub(crate) fn tell_trust(
    policy: &Policy,
    facts: &SessionFacts,
    sender: Option<&ReversePath>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for trust in policy.trust_policies() {
        let rule = format!("trust policy \"{}\" (line {})", trust.name, trust.line);
        let (outcome, decides) = match (trust.answer(facts, sender), trust.action) {
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
    let trust = by_facts(facts);
    let outcome = format!("{}: {}", trust.class(), trust.reasons.join("; "));
    steps.push(Step::new("network and login", outcome));
    steps
}
