//! The receiving rules, as they are told.

use super::{Play, Step};
use crate::document::ReceivingRules;
use crate::duration::format_duration;
use crate::facts::SessionFacts;
use crate::policy::Policy;
use crate::rate::{Counted, Rate};
use crate::size::format_size;
use crate::trust::Trust;
use crate::verdict::Verdict;

/// A rule of `[receiving.trusted]` and `[receiving.untrusted]`.
struct Rule {
    /// As the policy writes it; of rates, which.
    key: &'static str,
    /// Name of the verdict of those it refuses.
    refusal: &'static str,
    /// How it is set; `None` when it is off.
    set: fn(&ReceivingRules) -> Option<String>,
    /// What a play lacks to tell what it says: the message, the DNS.
    lacks: fn(&Play<'_>) -> Option<&'static str>,
}

/// What a rate or greylisting goes by, and no play knows.
const HISTORY: &str = "it goes by what has come before";

/// Those that a connection is held to.
const CONNECTION_RULES: &[Rule] = &[rule(
    "rates (connections)",
    "connection-rate-exceeded",
    |rules| rates(rules, Counted::Connections),
    history,
)];

/// Those that MAIL is held to, in the order in which `Policy::accept_sender` asks them; then those
/// of a sender who would be accepted.
const SENDER_RULES: &[Rule] = &[
    rule(
        "max-size",
        "message-too-large",
        |rules| Some(format_size(rules.max_size)),
        |play| play.size.is_none().then_some("no size is declared"),
    ),
    rule(
        "refuse-blank-reverse-path",
        "blank-reverse-path",
        |rules| on(rules.refuse_blank_reverse_path),
        nothing,
    ),
    rule(
        "refuse-address-literal-senders",
        "address-literal-sender",
        |rules| on(rules.refuse_address_literal_senders),
        nothing,
    ),
    rule(
        "refuse-spoofed-senders",
        "spoofed-sender",
        |rules| on(rules.refuse_spoofed_senders),
        nothing,
    ),
    rule(
        "rates (messages)",
        "rate-exceeded",
        |rules| rates(rules, Counted::Messages),
        history,
    ),
];

/// Those that each RCPT is held to before anything else.
const RECIPIENT_RULES: &[Rule] = &[rule(
    "max-recipients",
    "too-many-recipients",
    |rules| Some(rules.max_recipients.to_string()),
    nothing,
)];

/// Those that a recipient is held to who would be accepted.
const ACCEPTED_RULES: &[Rule] = &[
    rule(
        "greylisting",
        "greylisted",
        |rules| {
            let terms = rules.greylisting?;
            Some(format!("come again after {}", format_duration(terms.delay)))
        },
        history,
    ),
    rule(
        "rates (recipients)",
        "rate-exceeded",
        |rules| rates(rules, Counted::Recipients),
        history,
    ),
];

const fn rule(
    key: &'static str,
    refusal: &'static str,
    set: fn(&ReceivingRules) -> Option<String>,
    lacks: fn(&Play<'_>) -> Option<&'static str>,
) -> Rule {
    Rule {
        key,
        refusal,
        set,
        lacks,
    }
}

fn on(switch: bool) -> Option<String> {
    switch.then(|| "on".to_owned())
}

/// The limits on what is counted: `10 in 1 min per address`.
fn rates(rules: &ReceivingRules, count: Counted) -> Option<String> {
    let rates = rules.rates.iter().filter(|rate| rate.count == count);
    let rates: Vec<_> = rates.map(rate).collect();
    (!rates.is_empty()).then(|| rates.join(", "))
}

fn rate(rate: &Rate) -> String {
    let period = format_duration(rate.period);
    let per = format!("{:?}", rate.per).to_lowercase();
    format!("{} in {period} per {per}", rate.limit)
}

fn history(_: &Play<'_>) -> Option<&'static str> {
    Some(HISTORY)
}

fn nothing(_: &Play<'_>) -> Option<&'static str> {
    None
}

/// The rules for the connection, by what was known of it then.
pub(super) fn of_connection(policy: &Policy, play: &Play<'_>) -> Vec<Step> {
    let facts = SessionFacts {
        helo: None,
        login: None,
        ..play.facts.clone()
    };
    let trust = policy.trust(&facts);
    told(CONNECTION_RULES, policy, play, &trust, &Verdict::accepted())
}

/// The rules for a sender up to the one that refuses it.
pub(super) fn of_sender(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    verdict: &Verdict,
) -> Vec<Step> {
    // What refuses it may be answered with `trust-unknown`.
    let judged = policy.judge_sender(play.facts, trust, play.sender, play.size);
    let mut steps = told(SENDER_RULES, policy, play, trust, &judged);
    let answer = format!("MAIL FROM:<{}>", play.sender);
    steps.push(Step::new(answer, verdict.name));
    steps
}

/// The rules for one recipient more.
pub(super) fn of_recipient(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    verdict: &Verdict,
) -> Vec<Step> {
    told(RECIPIENT_RULES, policy, play, trust, verdict)
}

/// The rules for a recipient who would be accepted.
pub(super) fn of_accepted(policy: &Policy, play: &Play<'_>, trust: &Trust) -> Vec<Step> {
    told(ACCEPTED_RULES, policy, play, trust, &Verdict::accepted())
}

fn told(
    rules: &[Rule],
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    verdict: &Verdict,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for rule in rules {
        let refused = verdict.name == rule.refusal;
        let outcome = match (
            (rule.set)(policy.receiving(trust.trusted)),
            (rule.lacks)(play),
        ) {
            (Some(value), _) if refused => format!("{value}: refused"),
            (Some(value), Some(lacks)) => format!("{value}: not evaluated, {lacks}"),
            (Some(value), None) => format!("{value}: passed"),
            (None, _) => "off".to_owned(),
        };
        let name = format!("[receiving.{}] {}", trust.class(), rule.key);
        steps.push(Step::new(name, outcome));
        if refused {
            break;
        }
    }
    steps
}
