//! The receiving rules, as they are told.

use super::{Play, Step};
use crate::document::ReceivingRules;
use crate::policy::Policy;
use crate::size::format_size;
use crate::trust::Trust;
use crate::verdict::Verdict;

/// A rule of `[receiving.trusted]` and `[receiving.untrusted]`.
struct Rule {
    /// As the policy writes it.
    key: &'static str,
    /// Name of the verdict of those it refuses.
    refusal: &'static str,
    /// How it is set; `None` when it is off.
    set: fn(&ReceivingRules) -> Option<String>,
    /// What a play lacks to tell what it says: the message, the DNS.
    lacks: fn(&Play<'_>) -> Option<&'static str>,
}

/// Those that MAIL is held to, in the order in which `Policy::accept_sender` asks them.
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
];

/// Those that each RCPT is held to before anything else.
const RECIPIENT_RULES: &[Rule] = &[rule(
    "max-recipients",
    "too-many-recipients",
    |rules| Some(rules.max_recipients.to_string()),
    nothing,
)];

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

fn nothing(_: &Play<'_>) -> Option<&'static str> {
    None
}

/// The rules for a sender up to the one that refuses it.
pub(super) fn of_sender(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    verdict: &Verdict,
) -> Vec<Step> {
    let mut steps = told(SENDER_RULES, policy, play, trust, verdict);
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
