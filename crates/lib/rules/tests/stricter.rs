//! A stricter rule never accepts more: over arbitrary receiving rules, of which some are drawn
//! tighter, and arbitrary sessions.
// A test may stop at what it did not expect.
#![allow(clippy::unwrap_used)]

#[path = "support/admitted.rs"]
mod admitted;

use std::fmt::Write as _;

use proptest::prelude::*;
use rules::{
    Assumptions, AttachmentAction, Early, Play, Policy, ReversePath, SessionFacts, Timing, explain,
};

/// The rules of one class, each by how strict it is: 0 is the laxest.
#[derive(Clone, Debug)]
struct Strictness {
    relay: u8,
    size: u8,
    recipients: u8,
    blank: u8,
    literal: u8,
    spoofed: u8,
    attachments: u8,
    action: u8,
    free: u8,
    early: u8,
    refusals: u8,
}

/// Mostly none: where many rules refuse, none of them is seen to.
fn level() -> impl Strategy<Value = u8> {
    prop_oneof![8 => Just(0), 1 => Just(1), 1 => Just(2)]
}

impl Strictness {
    fn any() -> impl Strategy<Value = Self> {
        prop::array::uniform11(level()).prop_map(|levels| {
            let [
                relay,
                size,
                recipients,
                blank,
                literal,
                spoofed,
                attachments,
                action,
                free,
                early,
                refusals,
            ] = levels;
            Self {
                relay,
                size,
                recipients,
                blank,
                literal,
                spoofed,
                attachments,
                action,
                free,
                early,
                refusals,
            }
        })
    }

    fn levels(&mut self) -> [&mut u8; 11] {
        [
            &mut self.relay,
            &mut self.size,
            &mut self.recipients,
            &mut self.blank,
            &mut self.literal,
            &mut self.spoofed,
            &mut self.attachments,
            &mut self.action,
            &mut self.free,
            &mut self.early,
            &mut self.refusals,
        ]
    }

    /// At least as strict in everything.
    fn tightened(&self, by: &[u8; 11]) -> Self {
        let mut tighter = self.clone();
        for (level, by) in tighter.levels().into_iter().zip(by) {
            *level = (*level + by).min(2);
        }
        tighter
    }

    fn policy(&self, trusted: bool) -> Policy {
        let class = if trusted { "trusted" } else { "untrusted" };
        let mut text = format!("[receiving.{class}]\n");
        let mut line = |setting: &str| writeln!(text, "{setting}").unwrap();
        if trusted {
            line(&format!("relay = {}", self.relay == 0));
        } else {
            line(&format!("refuse-spoofed-senders = {}", self.spoofed > 0));
        }
        line(&format!(
            "max-size = \"{} KiB\"",
            300 - 100 * u32::from(self.size)
        ));
        line(&format!(
            "max-recipients = {}",
            300 - 100 * u32::from(self.recipients)
        ));
        line(&format!("max-refusals = {}", 3 - self.refusals));
        line(&format!("refuse-blank-reverse-path = {}", self.blank > 0));
        line(&format!(
            "refuse-address-literal-senders = {}",
            self.literal > 0
        ));
        line(&format!("refuse-early-talkers = {}", self.early > 0));
        let least = match self.free {
            0 => "off".to_owned(),
            free => format!("{free} KiB"),
        };
        line(&format!("min-free-space = \"{least}\""));
        // Stripping is between passing and keeping back, which is milder than refusing.
        let list = ["", "\"*.exe\"", "\"*.exe\", \"*.pdf\", \"image/*\""];
        let list = list[usize::from(self.attachments)];
        if !list.is_empty() {
            line(&format!("block-attachments = [{list}]"));
            let action = ["strip", "quarantine", "refuse"][usize::from(self.action)];
            line(&format!("blocked-attachments = \"{action}\""));
        }
        line("[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"");
        line("[[domain]]\nname = \"partner.test\"\ndeliver = \"direct\"\nfrom = \"everyone\"");
        Policy::parse(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
    }
}

#[derive(Clone, Debug)]
struct Message {
    sender: &'static str,
    recipient: &'static str,
    size: u64,
    recipients: usize,
    free: Option<u64>,
    attachment: &'static str,
    early: Option<bool>,
    refusals: u32,
}

fn messages() -> impl Strategy<Value = Message> {
    (
        prop::sample::select(vec!["<>", "a@x.test", "bob@example.test", "a@[192.0.2.1]"]),
        prop::sample::select(vec!["bob@example.test", "b@partner.test", "b@y.test"]),
        50_u64..350,
        0_usize..350,
        prop::option::of(0_u64..3_000),
        prop::sample::select(vec!["none", "a.exe", "a.pdf", "image/png"]),
        prop::option::of(any::<bool>()),
        0_u32..5,
    )
        .prop_map(
            |(sender, recipient, size, recipients, free, attachment, early, refusals)| Message {
                sender,
                recipient,
                size: size << 10,
                recipients,
                free,
                attachment,
                early,
                refusals,
            },
        )
}

/// How far the message gets: 0 refused, 1 kept in quarantine, 2 accepted without its attachment,
/// 3 accepted.
fn accepted(policy: &Policy, trusted: bool, message: &Message) -> u8 {
    let mut facts = SessionFacts::new(
        "mx",
        "203.0.113.9".parse().unwrap(),
        "198.51.100.1".parse().unwrap(),
    );
    facts.login = trusted.then(|| "bob@example.test".to_owned());
    let sender = ReversePath::parse(message.sender).unwrap();
    let trust = policy.trust_of_sender(&facts, &sender);
    assert_eq!(trust.trusted, trusted);
    let rules = policy.receiving(trusted);
    let verdicts = [
        admitted::mail(
            policy,
            &facts,
            &trust,
            &sender,
            Some(message.size),
            message.free,
        ),
        admitted::rcpt(
            policy,
            &facts,
            &trust,
            &sender,
            message.recipients,
            message.recipient,
        ),
    ];
    let early = message.early.map(|greeting| {
        let early = if greeting {
            Early::Greeting
        } else {
            Early::Hello
        };
        admitted::early(policy, &trust, early)
    });
    let refused = verdicts
        .iter()
        .chain(&early)
        .any(|verdict| !verdict.is_accepted())
        || message.refusals >= rules.max_refusals;
    let blocked = rules.attachments.by_name(message.attachment).is_some()
        || rules.attachments.by_type(message.attachment).is_some();
    match (refused, blocked, rules.attachments.action) {
        (true, _, _) | (_, true, AttachmentAction::Refuse) => 0,
        (_, true, AttachmentAction::Quarantine) => 1,
        (_, true, AttachmentAction::Strip) => 2,
        _ => 3,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_stricter_rule_never_accepts_more(
        lax in Strictness::any(),
        by in prop::array::uniform11(level()),
        messages in prop::collection::vec(messages(), 1..10),
        trusted in any::<bool>(),
    ) {
        let strict = lax.tightened(&by);
        let (lax, strict) = (lax.policy(trusted), strict.policy(trusted));
        for message in messages {
            let (more, less) = (
                accepted(&lax, trusted, &message),
                accepted(&strict, trusted, &message),
            );
            prop_assert!(less <= more, "{message:?}: {more} became {less}");
        }
    }
}

/// How many of them there are.
const LEVELS: usize = 9;

/// Rules of who comes and what they ask, each by how strict it is.
fn held(levels: &[usize; LEVELS], trusted: bool) -> Policy {
    let class = if trusted { "trusted" } else { "untrusted" };
    let [
        early,
        lists,
        domain,
        greylisting,
        rates,
        attachments,
        vouched,
        hold,
        deliver_by,
    ] = *levels;
    // Whoever is trusted need not come twice, and nobody else can ask for times.
    let greylisting = if trusted { 0 } else { greylisting };
    let (hold, deliver_by) = if trusted { (hold, deliver_by) } else { (0, 0) };
    let lines = [
        [
            "",
            "refuse-early-talkers = true",
            "refuse-early-talkers = true",
        ][early],
        [
            "",
            "dns-lists = [{ zone = \"bl.test\" }]\ndns-list-refuse-score = 2",
            "dns-lists = [{ zone = \"bl.test\" }]",
        ][lists],
        [
            "",
            "sender-domain-must-exist = true",
            "sender-domain-must-exist = true",
        ][domain],
        [
            "",
            "greylisting = { delay = \"1 min\" }",
            "greylisting = { delay = \"5 min\" }",
        ][greylisting],
        [
            "",
            "rates = [{ count = \"messages\", per = \"address\", limit = 9, every = \"1 h\" }]",
            "rates = [{ count = \"messages\", per = \"address\", limit = 9, every = \"1 h\" },\n\
             { count = \"recipients\", per = \"address\", limit = 9, every = \"1 h\" },\n\
             { count = \"connections\", per = \"address\", limit = 9, every = \"1 h\" }]",
        ][rates],
        [
            "",
            "block-attachments = [\"*.exe\"]\nblocked-attachments = \"quarantine\"",
            "block-attachments = [\"*.exe\"]\nblocked-attachments = \"refuse\"",
        ][attachments],
        [
            "spf = \"check\"\ndmarc = \"check\"",
            "spf = { fail = \"junk\" }\ndmarc = { reject = \"quarantine\" }",
            "spf = { fail = \"refuse\" }\ndmarc = { reject = \"refuse\" }",
        ][vouched],
        ["", "max-hold = \"2 h\"", "max-hold = \"never\""][hold],
        ["", "min-deliver-by = \"5 min\"", "min-deliver-by = \"2 h\""][deliver_by],
    ];
    let text = format!(
        "[receiving.{class}]\n{}\n[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n",
        lines.join("\n")
    );
    Policy::parse(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// How far a session gets of which this is known: 0 refused, 1 kept back, 2 to Junk, 3 accepted.
fn gets(policy: &Policy, trusted: bool, (assumptions, timing): &(Assumptions, Timing)) -> u8 {
    let mut facts = SessionFacts::new(
        "mx",
        "203.0.113.9".parse().unwrap(),
        "198.51.100.1".parse().unwrap(),
    );
    if trusted {
        facts.class = rules::ListenerClass::Internal;
        // Who can ask for everything.
        facts.role = rules::ListenerRole::Submission;
        facts.login = Some("a@x.test".to_owned());
    }
    let story = explain(
        policy,
        &Play {
            facts: &facts,
            sender: &ReversePath::parse("a@x.test").unwrap(),
            size: None,
            timing: *timing,
            recipients: &["bob@example.test".to_owned()],
            taken: 0,
            has_user: &|_| true,
            assumptions,
            screen: None,
        },
    );
    assert_eq!(story.trust.trusted, trusted);
    let accepted = story.is_accepted();
    match story.end {
        Some(end) if accepted && !end.quarantine.is_empty() => 1,
        Some(end) if accepted && end.junk => 2,
        Some(_) if accepted => 3,
        _ => 0,
    }
}

fn known() -> impl Strategy<Value = Assumptions> {
    let said = |name: &'static str, values: &'static [&'static str]| {
        prop::option::of(prop::sample::select(values)).prop_map(move |value| (name, value))
    };
    (
        said("early", &["greeting", "hello", "no"]),
        said("listed", &["none", "bl.test", "bl.test/127.255.255.1"]),
        said(
            "sender-domain",
            &["usable", "missing", "unknown", "null-mx"],
        ),
        said("visitor", &["new", "known"]),
        (
            said("connections", &["left", "left", "used-up"]),
            said("messages", &["left", "left", "used-up"]),
            said("recipients", &["left", "used-up"]),
        ),
        said("attachment", &["none", "x.exe", "x.txt", "unclear"]),
        said("spf", &["pass", "fail", "temperror"]),
        said("dmarc", &["pass", "fail/reject", "fail/none"]),
    )
        .prop_map(|(a, b, c, d, (e, f, g), h, i, j)| {
            let mut told = Assumptions::default();
            for (name, value) in [a, b, c, d, e, f, g, h, i, j] {
                if let Some(value) = value {
                    told.set(name, value).unwrap();
                }
            }
            told
        })
}

fn timings() -> impl Strategy<Value = Timing> {
    let lengths = || {
        prop::option::weighted(
            0.3,
            prop::sample::select(vec![60_000, 3_600_000, 9_000_000]),
        )
    };
    (lengths(), lengths(), any::<bool>()).prop_map(|(hold, deliver_by, or_return)| Timing {
        hold,
        deliver_by,
        or_return: or_return && deliver_by.is_some(),
        priority: None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_stricter_rule_never_accepts_more_of_what_is_known(
        lax in prop::array::uniform9(0_usize..3),
        by in prop::array::uniform9(0_usize..3),
        known in prop::collection::vec((known(), timings()), 1..10),
        trusted in any::<bool>(),
    ) {
        let strict = std::array::from_fn(|at| (lax[at] + by[at]).min(2));
        let (lax, strict) = (held(&lax, trusted), held(&strict, trusted));
        for known in known {
            let (more, less) = (gets(&lax, trusted, &known), gets(&strict, trusted, &known));
            prop_assert!(less <= more, "{known:?}: {more} became {less}");
        }
    }
}
