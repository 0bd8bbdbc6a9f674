//! Plays a session that has not happened.

use serde::Serialize;

use crate::address::EmailAddress;
use crate::document::DnsRules;
use crate::facts::{ReverseName, SessionFacts};
use crate::interface::SessionInterface;
use crate::path::ReversePath;
use crate::policy::Policy;
use crate::routing::Route;
use crate::trust::{Answer, Trust, TrustAction, by_facts};
use crate::verdict::{RecipientVerdict, Verdict};

/// The session to be played.
pub struct Play<'a> {
    /// Its facts.
    pub facts: &'a SessionFacts,
    /// MAIL FROM.
    pub sender: &'a ReversePath,
    /// RCPT TO.
    pub recipient: &'a EmailAddress,
    /// The recipient was given as `<Postmaster>`, not by its address.
    pub postmaster: bool,
    /// Whether a user has a mailbox. Asked for those of [`Policy::users_asked`] alone.
    pub has_user: &'a dyn Fn(&EmailAddress) -> bool,
}

/// What would happen, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The facts, by name.
    pub facts: Vec<Fact>,
    /// Each rule that was looked at, in order.
    pub steps: Vec<Step>,
    /// Whether the session is trusted.
    pub trust: Trust,
    /// What the peer is told in the end, with the reasons.
    pub verdict: Verdict,
    /// Where the message would go, if it is accepted.
    pub route: Option<String>,
    /// The rule that decides the route.
    pub rule: Option<String>,
}

/// A fact of the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// Its name.
    pub name: &'static str,
    /// Its value as text.
    pub value: String,
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The rule.
    pub rule: String,
    /// What came of it.
    pub outcome: String,
}

/// Plays a session against a policy.
pub fn explain(policy: &Policy, play: &Play<'_>) -> Explanation {
    let trust = policy.trust_of_sender(play.facts, play.sender);
    let mut story = Explanation {
        facts: facts(play),
        steps: Vec::new(),
        verdict: policy.accept_sender(play.facts, &trust, play.sender, None),
        route: None,
        rule: None,
        trust,
    };
    tell_trust(policy, play, &mut story);
    let receiving = if story.trust.trusted {
        "[receiving.trusted]"
    } else {
        "[receiving.untrusted]"
    };
    let sender = match play.sender.address() {
        Some(address) => format!("MAIL FROM <{address}>: {}", story.verdict),
        None => format!("MAIL FROM <>: {}", story.verdict),
    };
    story.tell(receiving, sender);
    let rules = policy.receiving(story.trust.trusted);
    if rules.authentication.needs_anything() || rules.dns != DnsRules::default() {
        story.tell(
            receiving,
            "what the DNS says of the sender is not evaluated",
        );
    }
    if story.verdict.is_accepted() {
        tell_recipient(policy, play, &mut story);
    }
    story
}

impl Explanation {
    fn tell(&mut self, rule: impl Into<String>, outcome: impl Into<String>) {
        self.steps.push(Step {
            rule: rule.into(),
            outcome: outcome.into(),
        });
    }
}

fn facts(play: &Play<'_>) -> Vec<Fact> {
    let facts = play.facts;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let gateways: Vec<_> = facts.gateways.iter().map(ToString::to_string).collect();
    [
        ("peer", facts.peer.to_string()),
        (
            "proxy",
            facts.proxy.map(|ip| ip.to_string()).unwrap_or_default(),
        ),
        ("local address", facts.local.to_string()),
        (
            "interface",
            facts.interface.as_ref().map(interface).unwrap_or_default(),
        ),
        ("listener", facts.listener.to_string()),
        (
            "listener class",
            format!("{:?}", facts.class).to_lowercase(),
        ),
        ("default gateways", gateways.join(", ")),
        ("reverse name", reverse_name(&facts.reverse_name)),
        ("helo", text(&facts.helo)),
        ("login", text(&facts.login)),
        ("tls", if facts.tls { "yes" } else { "no" }.to_owned()),
        ("sender", format!("<{}>", play.sender)),
        ("recipient", format!("<{}>", play.recipient)),
    ]
    .into_iter()
    .map(|(name, value)| Fact { name, value })
    .collect()
}

fn interface(interface: &SessionInterface) -> String {
    let SessionInterface {
        name,
        class,
        reason,
        ..
    } = interface;
    format!("{name}, {class}: {reason}")
}

/// Nothing when nobody asked.
fn reverse_name(name: &ReverseName) -> String {
    match name {
        ReverseName::NotAsked => String::new(),
        ReverseName::None => "none".to_owned(),
        ReverseName::Confirmed(names) => names.join(", "),
        ReverseName::Failed => "unknown: the DNS does not answer".to_owned(),
    }
}

fn tell_trust(policy: &Policy, play: &Play<'_>, story: &mut Explanation) {
    for trust in policy.trust_policies() {
        let rule = format!("trust policy \"{}\" (line {})", trust.name, trust.line);
        let outcome = match (trust.answer(play.facts, Some(play.sender)), trust.action) {
            (Answer::Mismatch(condition), _) => format!("does not match: {condition}"),
            (Answer::Unknown, TrustAction::Trust) => {
                "cannot be decided: the DNS does not answer".to_owned()
            }
            (Answer::Unknown, TrustAction::Distrust) => {
                story.tell(rule, "distrust until the DNS answers");
                return;
            }
            (Answer::Matches, action) => {
                story.tell(rule, format!("matches: {action:?}").to_lowercase());
                return;
            }
        };
        story.tell(rule, outcome);
    }
    let trust = by_facts(play.facts);
    let answer = if trust.trusted {
        "trusted"
    } else {
        "untrusted"
    };
    let reason = trust.reasons.join("; ");
    story.tell("network and login", format!("{answer}: {reason}"));
}

fn tell_recipient(policy: &Policy, play: &Play<'_>, story: &mut Explanation) {
    let recipient = play.recipient;
    if play.postmaster {
        let told = format!("<Postmaster> is {recipient}, whom everybody reaches");
        story.tell("[delivery] postmaster", told);
        settle(policy.accept_postmaster(recipient), play, story);
        return;
    }
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
    match policy.may_reach(&story.trust, recipient, &route) {
        Ok(()) => story.tell("relay rule", "passed"),
        Err(refusal) => story.tell("relay rule", refusal.name),
    }
    let answer = policy.accept_recipient(play.facts, &story.trust, play.sender, recipient);
    settle(answer, play, story);
}

/// Follows an answer through the users it depends on.
fn settle(mut answer: RecipientVerdict, play: &Play<'_>, story: &mut Explanation) {
    loop {
        match answer {
            RecipientVerdict::Refuse(verdict) => {
                story.verdict = verdict;
                return;
            }
            RecipientVerdict::Accept { route } => {
                // Accepted all the same, without a mailbox: what delivery will do about it.
                let end = match &route {
                    Route::Mailbox { user, .. } => {
                        format!("returned to the sender: {user} has no mailbox")
                    }
                    route => route.to_string(),
                };
                story.tell(route.rule(), end.clone());
                story.verdict = Verdict::accepted().because(route.rule().to_owned());
                story.rule = Some(route.rule().to_owned());
                story.route = Some(end);
                return;
            }
            RecipientVerdict::AcceptIfUser {
                user,
                route,
                otherwise,
            } => {
                let found = (play.has_user)(&user);
                let outcome = if found {
                    format!("{user} has a mailbox")
                } else {
                    format!("{user} has no mailbox")
                };
                story.tell(route.rule(), outcome);
                if found {
                    story.verdict = Verdict::accepted().because(route.rule().to_owned());
                    story.rule = Some(route.rule().to_owned());
                    story.route = Some(format!("mailbox {user}"));
                    return;
                }
                answer = *otherwise;
            }
        }
    }
}
