//! The receiving rules, stage by stage.

use super::settings::{attachments, dmarc, method, on, rates};
use crate::explain::Play;
use crate::values::duration::format_duration;
use crate::values::rate::Counted;
use crate::values::receiving::ReceivingRules;
use crate::values::size::format_size;
use crate::values::timing::Timing;

/// A stage of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::explain) enum Stage {
    /// The client has connected.
    Connection,
    /// It begins to speak.
    Talk,
    /// MAIL.
    Sender,
    /// RCPT, before anything else.
    Recipient,
    /// RCPT, of one who would be accepted.
    Accepted,
    /// The message has come.
    Message,
}

impl Stage {
    pub(super) fn rules(self) -> &'static [Rule] {
        match self {
            Self::Connection => CONNECTION_RULES,
            Self::Talk => TALK_RULES,
            Self::Sender => SENDER_RULES,
            Self::Recipient => RECIPIENT_RULES,
            Self::Accepted => ACCEPTED_RULES,
            Self::Message => MESSAGE_RULES,
        }
    }
}

/// A rule that sessions are held to.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// As the policy writes it; of rates, which.
    pub(super) key: &'static str,
    /// Names of the verdicts of those it refuses; one that ends in `-` begins many.
    pub(super) refusals: &'static [&'static str],
    /// How it is set; `None` when it is off.
    pub(super) set: fn(&ReceivingRules) -> Option<String>,
    /// What a play lacks to tell what it says: the message, the DNS.
    pub(super) lacks: fn(&Play<'_>) -> Option<&'static str>,
    /// Whose it is.
    pub(super) of: Of,
}

/// Whose a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Each class has its own.
    Class,
    /// It stands in `[receiving.trusted]` alone, for whoever has logged in or is trusted.
    Trusted,
    /// Everybody's: no policy changes it.
    Everybody,
}

/// What a rate or greylisting goes by, and no play knows.
const HISTORY: &str = "it goes by what has come before";

/// What stands in the way of a rule that asks the DNS.
const DNS: &str = "it needs the DNS";

/// Of a rule that is for the message.
const MESSAGE: &str = "it needs the message";

/// Of a rule that is for whoever has logged in.
const NO_LOGIN: &str = "nobody has logged in";

/// The rule that lowers a priority.
pub(in crate::explain) const MAX_PRIORITY: &str = "max-priority";

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

/// Those that MAIL is held to, in the order in which smtp-server asks them: first its session by
/// what it is offered, then `Policy::accept_timing`, and so on; then those of a sender who would be
/// accepted.
const SENDER_RULES: &[Rule] = &[
    rule(
        "login on submission ports",
        &["login-required"],
        |_| on(true),
        |play| {
            let needed = play.facts.role.needs_login();
            unless(needed, "the listener is for other servers")
        },
    )
    .of(Of::Everybody),
    rule(
        "nothing that EHLO does not offer",
        &["not-offered"],
        |_| on(true),
        |play| {
            let Timing {
                hold,
                deliver_by,
                priority,
                ..
            } = play.timing;
            let asked = hold.is_some() || deliver_by.is_some() || priority.is_some();
            unless(asked, "nothing is asked that is not for everyone")
        },
    )
    .of(Of::Everybody),
    rule(
        "max-hold",
        &["hold-too-long", "hold-in-the-past"],
        |rules| Some(rules.max_hold.map_or("never".to_owned(), format_duration)),
        |play| unless(play.timing.hold.is_some(), "it is not to be held"),
    )
    .of(Of::Trusted),
    rule(
        "min-deliver-by",
        &["deliver-by-too-soon"],
        |rules| (!rules.min_deliver_by.is_zero()).then(|| format_duration(rules.min_deliver_by)),
        |play| {
            let asked = play.timing.or_return;
            unless(asked, "no time is set after which it is returned")
        },
    )
    .of(Of::Trusted),
    rule(
        "hold within deliver-by",
        &["held-past-deliver-by"],
        |_| on(true),
        |play| {
            let both = play.timing.hold.is_some() && play.timing.deliver_by.is_some();
            unless(both, "it has no time to be held and delivered by")
        },
    )
    .of(Of::Everybody),
    rule(
        MAX_PRIORITY,
        // It lowers.
        &[],
        |rules| Some(rules.max_priority.to_string()),
        |play| unless(play.timing.priority.is_some(), "no priority is asked for"),
    )
    .of(Of::Trusted),
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
    .of(Of::Trusted),
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
    .of(Of::Trusted),
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
        of: Of::Class,
    }
}

impl Rule {
    const fn of(mut self, of: Of) -> Self {
        self.of = of;
        self
    }

    /// Whether a verdict of this name is its refusal.
    pub(super) fn refuses(&self, verdict: &str) -> bool {
        self.refusals
            .iter()
            .any(|name| *name == verdict || (name.ends_with('-') && verdict.starts_with(name)))
    }
}

fn unless(known: bool, lacks: &'static str) -> Option<&'static str> {
    (!known).then_some(lacks)
}

fn nothing(_: &Play<'_>) -> Option<&'static str> {
    None
}
