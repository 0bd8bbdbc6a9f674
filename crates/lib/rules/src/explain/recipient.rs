//! The report on one recipient, rule by rule.

use serde::Serialize;

use crate::admission::rcpt::Rcpt;
use crate::admission::{Admission, Rule};
use crate::decide::leniency::{InFull, ONLY_LENIENT_TAKES_IT, is_lenient_path};
use crate::explain::play::Play;
use crate::explain::rules::{PASSED, step};
use crate::explain::step::Step;
use crate::values::address::EmailAddress;
use crate::values::path::ForwardPath;
use crate::values::policy::Policy;
use crate::values::route::{NoUser, Route};
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// The predicted result for a recipient, with reasons.
#[derive(Clone, Debug, Serialize)]
pub struct RecipientStory {
    /// The forward-path of RCPT, as the client writes it.
    pub recipient: String,
    /// The evaluated rules, in order.
    pub steps: Vec<Step>,
    /// The reply to the client, with the reasons.
    pub verdict: Verdict,
    /// The route of the message if it is accepted.
    pub route: Option<String>,
    /// The rule that decides the route.
    pub rule: Option<String>,
}

impl RecipientStory {
    /// Refused before any recipient rule.
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
}

/// Plays RCPT; the message already has `taken` recipients.
pub(super) fn play(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    taken: usize,
    text: &str,
) -> RecipientStory {
    let in_full = policy.in_full(policy.is_lenient(play.facts, trust), text);
    let path = &in_full.path;
    let mut admission = Admission::rcpt(policy, play.facts, trust, play.sender, taken, path);
    let mut users = Vec::new();
    let verdict = play.rcpt(&mut admission, &mut users);
    let rcpt = admission.stage();
    let mut story = RecipientStory::refused(text, verdict);
    for (check, refused) in admission.made() {
        if check.rule == Rule::Recipient {
            tell_in_full(&in_full, &mut story);
            tell_recipient(policy, trust, path, rcpt, &users, &mut story);
            if refused && rcpt.named().is_err() {
                let may_be_taken = is_lenient_path(text);
                story.verdict = policy.or_leniently(story.verdict, play.facts, trust, may_be_taken);
            }
        } else {
            story.steps.push(step(rcpt, check, refused, PASSED));
        }
    }
    if let Some(route) = rcpt.route().filter(|_| story.verdict.is_accepted()) {
        story.verdict = Verdict::accepted().because(route.rule().to_owned());
        story.rule = Some(route.rule().to_owned());
        story.route = Some(end(&users, route));
        if in_full.leniently {
            story.verdict = story.verdict.because(ONLY_LENIENT_TAKES_IT);
        }
    }
    story
}

/// The meaning of a path that needs `lenient`.
fn tell_in_full(in_full: &InFull<'_>, story: &mut RecipientStory) {
    if in_full.leniently {
        let means = format!("{} means {}", story.recipient, in_full.path);
        story.tell("[receiving.trusted] lenient", means);
    }
}

/// The decision of the policy besides the receiving rules.
fn tell_recipient(
    policy: &Policy,
    trust: &Trust,
    path: &str,
    rcpt: &Rcpt<'_>,
    users: &[(EmailAddress, bool)],
    story: &mut RecipientStory,
) {
    let recipient = match rcpt.named() {
        Ok(recipient) => recipient,
        Err(verdict) => return story.tell("address", verdict.name),
    };
    if ForwardPath::is_postmaster(path) {
        let told = format!("<Postmaster> is {recipient}, whom everybody reaches");
        story.tell("[delivery] postmaster", told);
    } else {
        tell_domain(policy, trust, recipient, story);
    }
    let route = policy.route(recipient);
    for (user, exists) in users {
        let has = if *exists { "has a" } else { "has no" };
        story.tell(route.rule(), format!("{user} {has} mailbox"));
    }
    if let Some(route) = rcpt.route().filter(|_| user(users).is_none()) {
        story.tell(route.rule(), end(users, route));
    }
}

/// The user who owns the mailbox.
fn user(users: &[(EmailAddress, bool)]) -> Option<&EmailAddress> {
    let (user, exists) = users.last()?;
    exists.then_some(user)
}

/// The destination of the message.
fn end(users: &[(EmailAddress, bool)], route: &Route) -> String {
    if let Some(user) = user(users) {
        return format!("mailbox {user}");
    }
    // Accepted without a mailbox: delivery's action.
    match route {
        Route::Mailbox {
            user,
            otherwise: NoUser::Forward(other),
            ..
        } => format!("passed on to {other}: {user} has no mailbox"),
        Route::Mailbox { user, .. } => format!("returned to the sender: {user} has no mailbox"),
        route => route.to_string(),
    }
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
