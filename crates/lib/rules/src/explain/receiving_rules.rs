//! The receiving rules, as they are told.

use super::judged::{self, Judged};
use super::{Play, Step};
use crate::attachments::{AttachmentAction, BlockedAttachments};
use crate::authentication::Action;
use crate::document::{DmarcRules, MethodRules, ReceivingRules};
use crate::duration::format_duration;
use crate::policy::Policy;
use crate::rate::{Counted, Rate};
use crate::size::format_size;
use crate::trust::{Trust, class};
use crate::verdict::Verdict;

/// A rule of `[receiving.trusted]` and `[receiving.untrusted]`.
#[derive(Clone, Copy)]
struct Rule {
    /// As the policy writes it; of rates, which.
    key: &'static str,
    /// Names of the verdicts of those it refuses; one that ends in `-` begins many.
    refusals: &'static [&'static str],
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
const CONNECTION_RULES: &[Rule] = &[rule(
    "rates (connections)",
    &["connection-rate-exceeded"],
    |rules| rates(rules, Counted::Connections),
    |play| unless(play.circumstances.connections.is_some(), HISTORY),
)];

/// Those that a client is held to that speaks.
const TALK_RULES: &[Rule] = &[rule(
    "refuse-early-talkers",
    &["early-talker"],
    |rules| on(rules.refuse_early_talkers),
    |play| {
        let talk = play.circumstances.talk;
        unless(talk.is_some(), "it goes by when the client speaks")
    },
)];

/// Those that MAIL is held to, in the order in which smtp-server and `Policy::accept_sender` ask
/// them; then those of a sender who would be accepted.
const SENDER_RULES: &[Rule] = &[
    rule(
        "min-free-space",
        &["insufficient-storage"],
        |rules| Some(format_size(rules.min_free_space?)),
        |play| unless(play.circumstances.free.is_some(), "it goes by what is free"),
    ),
    rule(
        "max-size",
        &["message-too-large"],
        |rules| Some(format_size(rules.max_size)),
        |play| play.size.is_none().then_some("no size is declared"),
    ),
    rule(
        "refuse-blank-reverse-path",
        &["blank-reverse-path"],
        |rules| on(rules.refuse_blank_reverse_path),
        nothing,
    ),
    rule(
        "refuse-address-literal-senders",
        &["address-literal-sender"],
        |rules| on(rules.refuse_address_literal_senders),
        nothing,
    ),
    rule(
        "refuse-spoofed-senders",
        &["spoofed-sender"],
        |rules| on(rules.refuse_spoofed_senders),
        nothing,
    ),
    rule(
        "senders-must-belong-to-login",
        &["sender-not-of-login"],
        |rules| on(rules.senders_must_belong_to_login),
        |play| play.facts.login.is_none().then_some(NO_LOGIN),
    )
    .of_logins(),
    rule(
        "max-hold",
        &["hold-too-long", "hold-in-the-past"],
        |rules| Some(rules.max_hold.map_or("never".to_owned(), format_duration)),
        |play| play.timing.hold.is_none().then_some("it is not to be held"),
    ),
    rule(
        "min-deliver-by",
        &["deliver-by-too-soon"],
        |rules| (!rules.min_deliver_by.is_zero()).then(|| format_duration(rules.min_deliver_by)),
        |play| (!play.timing.or_return).then_some("no time is set after which it is returned"),
    ),
    rule(
        "hold within deliver-by",
        &["held-past-deliver-by"],
        |_| on(true),
        |play| {
            let both = play.timing.hold.is_some() && play.timing.deliver_by.is_some();
            (!both).then_some("it has no time to be held and delivered by")
        },
    ),
    rule(
        "rates (messages)",
        &["rate-exceeded"],
        |rules| rates(rules, Counted::Messages),
        |play| unless(play.circumstances.messages.is_some(), HISTORY),
    ),
    rule(
        "dns-lists",
        &["dns-listed"],
        |rules| {
            let zones = rules.dns.lists.iter().map(|list| list.zone.to_string());
            let zones: Vec<_> = zones.collect();
            (!zones.is_empty()).then(|| zones.join(", "))
        },
        |play| unless(play.circumstances.listed.is_some(), DNS),
    ),
    rule(
        "sender-domain-must-exist",
        &["sender-domain-", "sender-null-mx"],
        |rules| on(rules.dns.sender_domain_must_exist),
        |play| unless(play.circumstances.standing.is_some(), DNS),
    ),
];

/// Those that each RCPT is held to before anything else.
const RECIPIENT_RULES: &[Rule] = &[rule(
    "max-recipients",
    &["too-many-recipients"],
    |rules| Some(rules.max_recipients.to_string()),
    nothing,
)];

/// Those that a recipient is held to who would be accepted.
const ACCEPTED_RULES: &[Rule] = &[
    rule(
        "greylisting",
        &["greylisted"],
        |rules| {
            let terms = rules.greylisting?;
            Some(format!("come again after {}", format_duration(terms.delay)))
        },
        |play| unless(play.circumstances.visitor.is_some(), HISTORY),
    ),
    rule(
        "rates (recipients)",
        &["rate-exceeded"],
        |rules| rates(rules, Counted::Recipients),
        |play| unless(play.circumstances.recipients.is_some(), HISTORY),
    ),
];

/// Those that a message is held to, in the order in which smtp-server asks them: what is in it is
/// seen while it comes, the others are asked at its end.
const MESSAGE_RULES: &[Rule] = &[
    rule(
        "block-attachments",
        &["blocked-attachment", "unclear-attachments"],
        |rules| attachments(&rules.attachments),
        |play| unless(play.knows_attachments(), MESSAGE),
    ),
    rule(
        "spf",
        &["spf-"],
        |rules| method(&rules.authentication.spf),
        |play| {
            let results = &play.circumstances.authentication;
            unless(results.spf.is_some() || results.spf_helo.is_some(), DNS)
        },
    ),
    rule(
        "dkim",
        &["dkim-"],
        |rules| method(&rules.authentication.dkim),
        |play| unless(play.circumstances.authentication.dkim.is_some(), MESSAGE),
    ),
    rule(
        "dmarc",
        &["dmarc-"],
        |rules| dmarc(&rules.authentication.dmarc),
        |play| unless(play.circumstances.authentication.dmarc.is_some(), MESSAGE),
    ),
    rule(
        "arc",
        &[],
        |rules| on(rules.authentication.arc),
        |play| unless(play.circumstances.authentication.arc.is_some(), MESSAGE),
    ),
    rule(
        "iprev",
        &["iprev-"],
        |rules| method(&rules.authentication.iprev),
        |play| unless(play.circumstances.authentication.iprev.is_some(), DNS),
    ),
    rule(
        "senders-must-belong-to-login (From)",
        &["author-not-of-login"],
        |rules| on(rules.senders_must_belong_to_login),
        |play| {
            play.facts.login.as_ref().map_or(Some(NO_LOGIN), |_| {
                unless(play.circumstances.authors.is_some(), MESSAGE)
            })
        },
    )
    .of_logins(),
];

const fn rule(
    key: &'static str,
    refusals: &'static [&'static str],
    set: fn(&ReceivingRules) -> Option<String>,
    lacks: fn(&Play<'_>) -> Option<&'static str>,
) -> Rule {
    Rule {
        key,
        refusals,
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

    /// Whether a verdict of this name is its refusal.
    fn refuses(&self, verdict: &str) -> bool {
        self.refusals
            .iter()
            .any(|name| *name == verdict || (name.ends_with('-') && verdict.starts_with(name)))
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

fn unless(known: bool, lacks: &'static str) -> Option<&'static str> {
    (!known).then_some(lacks)
}

fn nothing(_: &Play<'_>) -> Option<&'static str> {
    None
}

/// The rules for the connection, by what was known of it then, and what the client is answered.
pub(super) fn of_connection(policy: &Policy, play: &Play<'_>) -> (Vec<Step>, Verdict) {
    let connection = judged::connection(policy, play);
    let trust = policy.trust(&judged::at_connect(play));
    let mut steps = told(CONNECTION_RULES, policy, play, &trust, connection.cause);
    if !connection.verdict.is_accepted() {
        return (steps, connection.verdict);
    }
    let talk = judged::talk(policy, play);
    let trust = policy.trust(&judged::when_talking(play));
    steps.extend(told(TALK_RULES, policy, play, &trust, talk.cause));
    (steps, talk.verdict)
}

/// The rules for a sender up to the one that refuses it.
pub(super) fn of_sender(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    judged: &Judged,
) -> Vec<Step> {
    let mut steps = told(SENDER_RULES, policy, play, trust, judged.cause);
    let answer = format!("MAIL FROM:<{}>", play.sender);
    steps.push(Step::new(answer, judged.verdict.name));
    steps
}

/// The rules for one recipient more.
pub(super) fn of_recipient(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    judged: &Judged,
) -> Vec<Step> {
    told(RECIPIENT_RULES, policy, play, trust, judged.cause)
}

/// The rules for a recipient who would be accepted.
pub(super) fn of_accepted(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    judged: &Judged,
) -> Vec<Step> {
    told(ACCEPTED_RULES, policy, play, trust, judged.cause)
}

/// The rules for the message; `outcome` says what one that does not refuse it comes to, if that is
/// more than that it passes.
pub(super) fn of_message(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    cause: &str,
    outcome: &dyn Fn(&str) -> Option<String>,
) -> Vec<Step> {
    told_with(MESSAGE_RULES, policy, play, trust, cause, outcome)
}

fn told(rules: &[Rule], policy: &Policy, play: &Play<'_>, trust: &Trust, cause: &str) -> Vec<Step> {
    told_with(rules, policy, play, trust, cause, &|_| None)
}

fn told_with(
    rules: &[Rule],
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    cause: &str,
    outcome: &dyn Fn(&str) -> Option<String>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for rule in rules {
        let refused = rule.refuses(cause);
        let trusted = trust.trusted || rule.of_logins;
        let outcome = match ((rule.set)(policy.receiving(trusted)), (rule.lacks)(play)) {
            (Some(value), _) if refused => format!("{value}: refused"),
            (Some(value), Some(lacks)) => format!("{value}: not evaluated, {lacks}"),
            (Some(value), None) => {
                let outcome = outcome(rule.key).unwrap_or_else(|| "passed".to_owned());
                format!("{value}: {outcome}")
            }
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

#[cfg(test)]
mod tests;
