//! The receiving rules, as they are told.

use super::{Play, Step};
use crate::attachments::{AttachmentAction, BlockedAttachments};
use crate::authentication::Action;
use crate::document::{DmarcRules, MethodRules, ReceivingRules};
use crate::duration::format_duration;
use crate::facts::SessionFacts;
use crate::policy::Policy;
use crate::rate::{Counted, Rate};
use crate::size::format_size;
use crate::trust::{Trust, class};
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
    /// Whether it is a rule of `[receiving.trusted]` for whoever has logged in, trusted or not.
    of_logins: bool,
}

/// What a rate or greylisting goes by, and no play knows.
const HISTORY: &str = "it goes by what has come before";

/// What stands in the way of a rule that asks the DNS.
const DNS: &str = "it needs the DNS";

/// Of a rule that is for the message.
const MESSAGE: &str = "it needs the message";

/// Of a rule that is for whoever has logged in.
const NO_LOGIN: &str = "nobody has logged in";

/// Those that a connection is held to.
const CONNECTION_RULES: &[Rule] = &[
    rule(
        "rates (connections)",
        "connection-rate-exceeded",
        |rules| rates(rules, Counted::Connections),
        history,
    ),
    rule(
        "refuse-early-talkers",
        "early-talker",
        |rules| on(rules.refuse_early_talkers),
        |_| Some("it goes by when the client speaks"),
    ),
];

/// Those that MAIL is held to, in the order in which smtp-server and `Policy::accept_sender` ask
/// them; then those of a sender who would be accepted.
const SENDER_RULES: &[Rule] = &[
    rule(
        "min-free-space",
        "insufficient-storage",
        |rules| Some(format_size(rules.min_free_space?)),
        |_| Some("it goes by what is free"),
    ),
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
        "senders-must-belong-to-login",
        "sender-not-of-login",
        |rules| on(rules.senders_must_belong_to_login),
        |play| play.facts.login.is_none().then_some(NO_LOGIN),
    )
    .of_logins(),
    rule(
        "rates (messages)",
        "rate-exceeded",
        |rules| rates(rules, Counted::Messages),
        history,
    ),
    rule(
        "dns-lists",
        "dns-listed",
        |rules| {
            let zones = rules.dns.lists.iter().map(|list| list.zone.to_string());
            let zones: Vec<_> = zones.collect();
            (!zones.is_empty()).then(|| zones.join(", "))
        },
        dns,
    ),
    rule(
        "sender-domain-must-exist",
        "sender-domain-missing",
        |rules| on(rules.dns.sender_domain_must_exist),
        dns,
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

/// Those that a message is held to when it has come, in the order in which smtp-server asks them.
const MESSAGE_RULES: &[Rule] = &[
    rule(
        "spf",
        "spf-fail",
        |rules| method(&rules.authentication.spf),
        dns,
    ),
    rule(
        "dkim",
        "dkim-fail",
        |rules| method(&rules.authentication.dkim),
        message,
    ),
    rule(
        "dmarc",
        "dmarc-reject",
        |rules| dmarc(&rules.authentication.dmarc),
        message,
    ),
    rule(
        "arc",
        "arc-fail",
        |rules| on(rules.authentication.arc),
        message,
    ),
    rule(
        "iprev",
        "iprev-fail",
        |rules| method(&rules.authentication.iprev),
        dns,
    ),
    rule(
        "block-attachments",
        "blocked-attachment",
        |rules| attachments(&rules.attachments),
        message,
    ),
    rule(
        "senders-must-belong-to-login (From)",
        "author-not-of-login",
        |rules| on(rules.senders_must_belong_to_login),
        |play| {
            play.facts
                .login
                .as_ref()
                .map_or(Some(NO_LOGIN), |_| Some(MESSAGE))
        },
    )
    .of_logins(),
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
        of_logins: false,
    }
}

impl Rule {
    const fn of_logins(mut self) -> Self {
        self.of_logins = true;
        self
    }
}

fn on(switch: bool) -> Option<String> {
    switch.then(|| "on".to_owned())
}

/// What the results of a check do: `fail = refuse, softfail = quarantine`.
fn method(rules: &MethodRules) -> Option<String> {
    let actions = rules.actions.iter();
    let actions = actions.map(|(result, action)| (result.as_str(), *action));
    rules.checked.then(|| results(actions))
}

fn dmarc(rules: &DmarcRules) -> Option<String> {
    let actions = [
        ("reject", rules.reject),
        ("quarantine", rules.quarantine),
        ("none", rules.none),
        ("permerror", rules.permerror),
        ("temperror", rules.temperror),
    ];
    rules.checked.then(|| results(actions.into_iter()))
}

fn results<'a>(actions: impl Iterator<Item = (&'a str, Action)>) -> String {
    let told = actions.filter(|(_, action)| *action != Action::Accept);
    let told: Vec<_> = told
        .map(|(result, action)| format!("{result} = {}", action.as_str()))
        .collect();
    match told.as_slice() {
        [] => "on".to_owned(),
        told => told.join(", "),
    }
}

fn attachments(blocked: &BlockedAttachments) -> Option<String> {
    let word = match blocked.action {
        AttachmentAction::Refuse => "refuse",
        AttachmentAction::Quarantine => "quarantine",
        AttachmentAction::Strip => "strip",
    };
    (!blocked.is_empty()).then(|| word.to_owned())
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

fn dns(_: &Play<'_>) -> Option<&'static str> {
    Some(DNS)
}

fn message(_: &Play<'_>) -> Option<&'static str> {
    Some(MESSAGE)
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

/// The rules for the message that would come.
pub(super) fn of_message(policy: &Policy, play: &Play<'_>, trust: &Trust) -> Vec<Step> {
    told(MESSAGE_RULES, policy, play, trust, &Verdict::accepted())
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
        let trusted = trust.trusted || rule.of_logins;
        let outcome = match ((rule.set)(policy.receiving(trusted)), (rule.lacks)(play)) {
            (Some(value), _) if refused => format!("{value}: refused"),
            (Some(value), Some(lacks)) => format!("{value}: not evaluated, {lacks}"),
            (Some(value), None) => format!("{value}: passed"),
            (None, _) => "off".to_owned(),
        };
        let name = format!("[receiving.{}] {}", class(trusted), rule.key);
        steps.push(Step::new(name, outcome));
        if refused {
            break;
        }
    }
    steps
}
