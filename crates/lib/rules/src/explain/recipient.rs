//! What becomes of one recipient, told rule by rule.

use serde::Serialize;

use super::judged::{self, Judged};
use super::receiving_rules::{PASSED, Stage, told};
use super::{Play, Step};
use crate::decide::leniency::{InFull, ONLY_LENIENT_TAKES_IT, may_be_lenient};
use crate::values::address::EmailAddress;
use crate::values::path::ForwardPath;
use crate::values::policy::Policy;
use crate::values::route::{NoUser, RecipientVerdict, Route};
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// What would become of a recipient, and why.
#[derive(Clone, Debug, Serialize)]
pub struct RecipientStory {
    /// RCPT TO, as the client writes it.
    pub recipient: String,
    /// Each rule that was looked at for it, in order.
    pub steps: Vec<Step>,
    /// What the client is told, with the reasons.
    pub verdict: Verdict,
    /// Where the message would go, if it is accepted.
    pub route: Option<String>,
    /// The rule that decides the route.
    pub rule: Option<String>,
}

impl RecipientStory {
    /// Refused before any rule for recipients was asked.
    pub(super) fn refused(recipient: &str, verdict: Verdict) -> Self {
        Self {
            recipient: recipient.to_owned(),
            steps: Vec::new(),
            verdict,
            route: None,
            rule: None,
        }
    }

    fn tell(&mut self, rule: impl Into<String>, outcome: impl Into<String>) {
        self.steps.push(Step::new(rule, outcome));
    }

    fn refuse(&mut self, verdict: Verdict) {
        self.verdict = verdict;
        self.route = None;
        self.rule = None;
    }

    fn accept(&mut self, route: &Route, end: String) {
        self.verdict = Verdict::accepted().because(route.rule().to_owned());
        self.rule = Some(route.rule().to_owned());
        self.route = Some(end);
    }
}

/// Plays RCPT for a message that has `taken` recipients already.
pub(super) fn play(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    taken: usize,
    text: &str,
) -> RecipientStory {
    let another = Judged::from(policy.accept_another_recipient(trust, taken));
    let rules = |stage, judged: &Judged| told(stage, policy, play, trust, judged.cause, PASSED);
    let steps = rules(Stage::Recipient, &another);
    let mut story = RecipientStory::refused(text, another.verdict);
    story.steps = steps;
    if !story.verdict.is_accepted() {
        return story;
    }
    let lenient = policy.is_lenient(play.facts, trust);
    let InFull { path, leniently } = policy.in_full(lenient, text);
    if leniently {
        story.tell(
            "[receiving.trusted] lenient",
            format!("{text} means {path}"),
        );
    }
    match policy.accept_forward_path(play.facts, trust, play.sender, &path) {
        Ok((recipient, answer)) => {
            if ForwardPath::is_postmaster(&path) {
                let told = format!("<Postmaster> is {recipient}, whom everybody reaches");
                story.tell("[delivery] postmaster", told);
            } else {
                tell_domain(policy, trust, &recipient, &mut story);
            }
            settle(answer, play, &mut story);
            if story.verdict.is_accepted() {
                let judged = judged::accepted_recipient(policy, play, trust, &recipient);
                story.steps.extend(rules(Stage::Accepted, &judged));
                if !judged.verdict.is_accepted() {
                    story.refuse(judged.verdict);
                }
            }
            if leniently && story.verdict.is_accepted() {
                story.verdict = story.verdict.because(ONLY_LENIENT_TAKES_IT);
            }
        }
        Err(verdict) => {
            story.tell("address", verdict.name);
            story.verdict = may_be_lenient(verdict, trust, text);
        }
    }
    story
}

fn tell_domain(
    policy: &Policy,
    trust: &Trust,
    recipient: &EmailAddress,
    story: &mut RecipientStory,
) {
    let named = recipient.domain().and_then(|domain| policy.domain(domain));
    match named {
        Some(rule) => {
            let open = if rule.open {
                "open to everyone"
            } else {
                "for trusted senders"
            };
            let line = rule.line;
            story.tell(format!("{} (line {line})", rule.label), open);
        }
        None => story.tell("domain rules", format!("none names {}", recipient.host())),
    }
    let route = policy.route(recipient);
    match policy.may_reach(trust, recipient, &route) {
        Ok(()) => story.tell("relay rule", "passed"),
        Err(refusal) => story.tell("relay rule", refusal.name),
    }
}

/// Follows an answer through the users it depends on.
fn settle(mut answer: RecipientVerdict, play: &Play<'_>, story: &mut RecipientStory) {
    loop {
        match answer {
            RecipientVerdict::Refuse(verdict) => {
                story.verdict = verdict;
                return;
            }
            RecipientVerdict::Accept { route } => {
                // Accepted all the same, without a mailbox: what delivery will do about it.
                let end = match &route {
                    Route::Mailbox {
                        user,
                        otherwise: NoUser::Forward(other),
                        ..
                    } => format!("passed on to {other}: {user} has no mailbox"),
                    Route::Mailbox { user, .. } => {
                        format!("returned to the sender: {user} has no mailbox")
                    }
                    route => route.to_string(),
                };
                story.tell(route.rule(), end.clone());
                story.accept(&route, end);
                return;
            }
            RecipientVerdict::AcceptIfUser {
                user,
                route,
                otherwise,
            } => {
                if (play.has_user)(&user) {
                    story.tell(route.rule(), format!("{user} has a mailbox"));
                    story.accept(&route, format!("mailbox {user}"));
                    return;
                }
                story.tell(route.rule(), format!("{user} has no mailbox"));
                answer = *otherwise;
            }
        }
    }
}
