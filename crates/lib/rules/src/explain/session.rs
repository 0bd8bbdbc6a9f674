//! A whole session, from its connection to the end of its message.

use serde::Serialize;

use crate::admission::mail::{MAX_PRIORITY, Parameters};
use crate::admission::{Admission, Answer};
use crate::explain::assumptions::EarlyTalk;
use crate::explain::content::{self, MessageEnd};
use crate::explain::facts::{self, Fact};
use crate::explain::play::Play;
use crate::explain::recipient::{self, RecipientStory};
use crate::explain::rules::{PASSED, steps};
use crate::explain::step::Step;
use crate::explain::trust::tell_trust;
use crate::values::facts::{Early, SessionFacts};
use crate::values::policy::Policy;
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// The predicted course of a session, with reasons.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The facts, by name.
    pub facts: Vec<Fact>,
    /// The rules evaluated before the recipients, in order.
    pub steps: Vec<Step>,
    /// Whether the session is trusted.
    pub trust: Trust,
    /// Whether the client is accepted.
    pub connection: Verdict,
    /// The reply to MAIL; the same as the earlier reply if the connection or EHLO is refused.
    pub sender: Verdict,
    /// The result for each recipient.
    pub recipients: Vec<RecipientStory>,
    /// The rules for the received message, if a recipient is accepted; or, without any recipient, if the
    /// sender is.
    pub message: Vec<Step>,
    /// The result for the message, as far as it is known.
    pub end: Option<MessageEnd>,
}

impl Explanation {
    /// Whether the message would be accepted for every recipient, as far as the facts are known.
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
        let (told, sender) = match judge_hello(policy, play.facts) {
            Ok(()) => play_sender(policy, play, &trust),
            Err(refusal) => (vec![Step::new("EHLO", refusal.name)], refusal),
        };
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

/// The rules for the connection, by the facts known then, and the reply.
pub(crate) fn play_connection(policy: &Policy, play: &Play<'_>) -> (Vec<Step>, Verdict) {
    let mut facts = SessionFacts {
        helo: None,
        login: None,
        ..play.facts.clone()
    };
    let trust = policy.trust(&facts);
    let mut admission = Admission::connect(policy, &facts, &trust);
    let verdict = play.connect(&mut admission);
    let mut told = steps(&admission, PASSED);
    if !verdict.is_accepted() {
        return (told, verdict);
    }
    let (before, spoke) = match play.assumptions.talk {
        Some(EarlyTalk::Early(early)) => (early, Answer::Is(true)),
        Some(EarlyTalk::InTurn) => (Early::Greeting, Answer::Is(false)),
        None => (Early::Greeting, Answer::Unknown),
    };
    if before == Early::Hello {
        facts.helo.clone_from(&play.facts.helo);
    }
    let trust = policy.trust(&facts);
    let mut admission = Admission::talk(policy, &trust, before);
    let verdict = play.talk(&mut admission, spoke);
    told.extend(steps(&admission, PASSED));
    (told, verdict)
}

/// Not evaluated unless a name for EHLO is given.
fn judge_hello(policy: &Policy, facts: &SessionFacts) -> Result<(), Verdict> {
    match &facts.helo {
        Some(name) => policy.judge_hello(facts, name),
        None => Ok(()),
    }
}

/// The rules for a sender up to the refusing one.
fn play_sender(policy: &Policy, play: &Play<'_>, trust: &Trust) -> (Vec<Step>, Verdict) {
    let parameters = Parameters {
        size: play.size,
        timing: play.timing,
        read_by_session: false,
    };
    let mut admission = Admission::mail(policy, play.facts, trust, play.sender, parameters);
    let verdict = play.mail(&mut admission);
    let lowered = |rule: &str| {
        let asked = play.timing.priority.filter(|_| rule == MAX_PRIORITY)?;
        let priority = policy.priority(trust, asked);
        (priority != asked).then(|| format!("lowered to {priority}"))
    };
    let mut told = steps(&admission, &lowered);
    let answer = format!("MAIL FROM:<{}>", play.sender);
    told.push(Step::new(answer, verdict.name));
    (told, verdict)
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
