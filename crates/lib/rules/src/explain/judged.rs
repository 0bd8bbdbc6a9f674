//! The stages of a session, each judged by what the play knows: by the functions that smtp-server
//! asks, in the order in which it asks them.

use super::Play;
use crate::explain::circumstances::{Share, Talk, Visitor};
use crate::values::address::EmailAddress;
use crate::values::dns::Listing;
use crate::values::facts::Early;
use crate::values::facts::SessionFacts;
use crate::values::policy::Policy;
use crate::values::rate::Counted;
use crate::values::trust::Trust;
use crate::values::verdict::Verdict;

/// What a stage ends in.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// The verdict's name, and what it would be if all of the session's trust were known.
    pub(super) cause: &'static str,
}

impl Judged {
    pub(super) fn accepted() -> Self {
        Verdict::accepted().into()
    }
}

impl From<Verdict> for Judged {
    fn from(verdict: Verdict) -> Self {
        Self {
            cause: verdict.name,
            verdict,
        }
    }
}

/// The first refusal; what is asked behind it, smtp-server does not ask either.
fn first_refusal(questions: &[&dyn Fn() -> Judged]) -> Judged {
    questions
        .iter()
        .map(|ask| ask())
        .find(|judged| !judged.verdict.is_accepted())
        .unwrap_or_else(Judged::accepted)
}

/// What is known of a session before the client has said anything.
fn at_connect(play: &Play<'_>) -> SessionFacts {
    SessionFacts {
        helo: None,
        login: None,
        ..play.facts.clone()
    }
}

/// What is known of it when the client may have spoken too early.
fn when_talking(play: &Play<'_>) -> SessionFacts {
    let mut facts = at_connect(play);
    if play.circumstances.talk == Some(Talk::Early(Early::Hello)) {
        facts.helo.clone_from(&play.facts.helo);
    }
    facts
}

/// Whether the connection is greeted, and how it is trusted then.
pub(super) fn connection(policy: &Policy, play: &Play<'_>) -> (Trust, Judged) {
    let facts = at_connect(play);
    let trust = policy.trust(&facts);
    let judged = share(policy, play, &facts, &trust, Counted::Connections);
    (trust, judged)
}

/// Whether the client waits for its turn, and how it is trusted then.
pub(super) fn talk(policy: &Policy, play: &Play<'_>) -> (Trust, Judged) {
    let trust = policy.trust(&when_talking(play));
    let Some(Talk::Early(early)) = play.circumstances.talk else {
        return (trust, Judged::accepted());
    };
    let verdict = policy.accept_early_talker(&trust, early);
    let cause = if verdict.is_accepted() {
        verdict.name
    } else {
        "early-talker"
    };
    (trust, Judged { verdict, cause })
}

/// MAIL.
pub(super) fn sender(policy: &Policy, play: &Play<'_>, trust: &Trust) -> Judged {
    let Play {
        facts,
        sender,
        size,
        circumstances,
        ..
    } = *play;
    let timing = &play.timing;
    first_refusal(&[
        &|| policy.accept_without_login(facts).into(),
        // Of the sender nothing is known yet when the session reads the parameters.
        &|| {
            policy
                .judge_parameters(facts, &policy.trust(facts), timing)
                .into()
        },
        &|| Judged {
            verdict: policy.accept_timing(facts, trust, timing),
            // What refuses it may be answered with `trust-unknown`.
            cause: policy.judge_timing(facts, trust, timing).name,
        },
        &|| policy.accept_free_space(trust, circumstances.free).into(),
        &|| Judged {
            verdict: policy.accept_sender(facts, trust, sender, size),
            cause: policy.judge_sender(facts, trust, sender, size).name,
        },
        &|| share(policy, play, facts, trust, Counted::Messages),
        &|| listings(policy, play, trust).into(),
        &|| sender_domain(policy, play, trust).into(),
    ])
}

/// RCPT, of a recipient who would be accepted.
pub(super) fn accepted_recipient(
    policy: &Policy,
    play: &Play<'_>,
    trust: &Trust,
    recipient: &EmailAddress,
) -> Judged {
    first_refusal(&[&|| visitor(policy, play, trust, recipient).into(), &|| {
        share(policy, play, play.facts, trust, Counted::Recipients)
    }])
}

fn share(
    policy: &Policy,
    play: &Play<'_>,
    facts: &SessionFacts,
    trust: &Trust,
    count: Counted,
) -> Judged {
    if play.circumstances.share(count) != Some(Share::UsedUp) {
        return Judged::accepted();
    }
    let sender = (count != Counted::Connections).then_some(play.sender);
    let shares = policy.shares(facts, trust, count, sender);
    match shares.first() {
        Some((rate, _)) => rate.refusal(trust).into(),
        None => Judged::accepted(),
    }
}

fn listings(policy: &Policy, play: &Play<'_>, trust: &Trust) -> Verdict {
    let Some(listed) = &play.circumstances.listed else {
        return Verdict::accepted();
    };
    let lists = &policy.receiving(trust.trusted).dns.lists;
    let listings: Vec<_> = lists
        .iter()
        .map(|list| Listing {
            list,
            answers: listed
                .iter()
                .filter(|listed| listed.zone == list.zone)
                .flat_map(|listed| listed.answers.iter().copied())
                .collect(),
        })
        .collect();
    policy.accept_listings(trust, &listings)
}

fn sender_domain(policy: &Policy, play: &Play<'_>, trust: &Trust) -> Verdict {
    match (
        policy.domain_to_ask(trust, play.sender),
        play.circumstances.standing,
    ) {
        (Some(domain), Some(standing)) => policy.accept_sender_domain(domain, standing),
        _ => Verdict::accepted(),
    }
}

fn visitor(policy: &Policy, play: &Play<'_>, trust: &Trust, recipient: &EmailAddress) -> Verdict {
    if play.circumstances.visitor != Some(Visitor::New) {
        return Verdict::accepted();
    }
    match policy.greylisting(play.facts, trust, play.sender, recipient) {
        Some((terms, _)) => terms.refusal(terms.delay),
        None => Verdict::accepted(),
    }
}
