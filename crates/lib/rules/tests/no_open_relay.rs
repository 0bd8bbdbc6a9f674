//! Invariant I9: over arbitrary policies, an untrusted sender reaches only domains that a domain
//! rule names and opens to everyone.
// A test may stop at what it did not expect.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rules::{
    ListenerClass, NetworkClass, Policy, RecipientVerdict, ReverseName, ReversePath, Route,
    SessionFacts, SessionInterface,
};

/// The names that policies and recipients are made of: near misses of each other, in A-labels.
const NAMES: [&str; 10] = [
    "example.test",
    "example.org.test",
    "test",
    "sub.example.test",
    "xample.test",
    "xn--bcher-kva.test",
    "bucher.test",
    "y.test",
    "z.test",
    "localhost",
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Mailboxes,
    OneMailbox,
    Direct { everyone: bool },
    Gateway { everyone: bool },
}

#[derive(Clone, Debug)]
struct Rule {
    name: usize,
    alias: Option<usize>,
    kind: Kind,
    /// 0 refuse, 1 accept, 2 catch-all.
    unmatched: u8,
    handlers: Vec<(&'static str, &'static str)>,
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Mailboxes),
        Just(Kind::OneMailbox),
        any::<bool>().prop_map(|everyone| Kind::Direct { everyone }),
        any::<bool>().prop_map(|everyone| Kind::Gateway { everyone }),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let handler = (
        prop::sample::select(vec!["bob", "*", "sales-*", "?", "b%y.test"]),
        prop::sample::select(vec![
            "{ mailbox = \"bob@example.test\" }",
            "\"discard\"",
            "\"refuse\"",
        ]),
    );
    (
        0..NAMES.len(),
        prop::option::of(0..NAMES.len()),
        kinds(),
        0..3u8,
        prop::collection::vec(handler, 0..2),
    )
        .prop_map(|(name, alias, kind, unmatched, handlers)| Rule {
            name,
            alias,
            kind,
            unmatched,
            handlers,
        })
}

/// What was meant: the kind of rule that names each domain.
type Meant = [Option<Kind>; NAMES.len()];

#[derive(Clone, Debug)]
struct Written {
    document: String,
    meant: Meant,
}

fn written() -> impl Strategy<Value = Written> {
    (
        prop::collection::vec(rule(), 0..5),
        prop::option::of(prop::sample::select(vec![
            "\"direct\"",
            "{ gateway = \"isp\" }",
            "{ mailbox = \"bob@example.test\" }",
        ])),
        any::<bool>(),
        prop::option::of(prop::sample::select(vec![
            "action = \"trust\"\nwhere = { network = \"10.0.0.0/8\" }",
            "action = \"trust\"\nwhere = { network = \"10.0.0.0/8\", sender = \"*@example.test\" }",
            "action = \"trust\"\nwhere = { network = \"192.168.0.0/16\", helo = \"mail.*\", tls = true }",
            "action = \"distrust\"\nwhere = { tls = true }",
            "action = \"trust\"\nwhere = { reverse-dns = \"*.x.test\" }",
            "action = \"distrust\"\nwhere = { reverse-dns = \"*.x.test\" }",
        ])),
        any::<bool>(),
    )
        .prop_map(|(rules, everything_else, gateway, trust, relay)| {
            let mut document = String::new();
            if gateway {
                document.push_str("[delivery]\nremote = { gateway = \"isp\" }\n");
            }
            document.push_str("[[gateway]]\nname = \"isp\"\nhosts = [\"smtp.isp.test\"]\n");
            writeln!(document, "[receiving.trusted]\nrelay = {relay}").unwrap();
            if let Some(trust) = trust {
                writeln!(document, "[[trust]]\n{trust}").unwrap();
            }
            if let Some(deliver) = everything_else {
                writeln!(document, "[[domain]]\nname = \"*\"\ndeliver = {deliver}").unwrap();
            }
            let mut meant = Meant::default();
            for rule in rules {
                write_rule(&mut document, &mut meant, &rule);
            }
            Written { document, meant }
        })
}

fn write_rule(document: &mut String, meant: &mut Meant, rule: &Rule) {
    if meant[rule.name].is_some() {
        return;
    }
    meant[rule.name] = Some(rule.kind);
    writeln!(document, "[[domain]]\nname = \"{}\"", NAMES[rule.name]).unwrap();
    if let Some(alias) = rule.alias
        && meant[alias].is_none()
    {
        meant[alias] = Some(rule.kind);
        writeln!(document, "aliases = [\"{}\"]", NAMES[alias]).unwrap();
    }
    let from = |everyone| if everyone { "everyone" } else { "trusted" };
    let lines = match rule.kind {
        Kind::Mailboxes => match rule.unmatched {
            0 => "deliver = \"mailboxes\"".to_owned(),
            1 => "deliver = \"mailboxes\"\nunmatched = \"accept\"".to_owned(),
            _ => "deliver = \"mailboxes\"\nunmatched = { catch-all = \"bob\" }".to_owned(),
        },
        Kind::OneMailbox => "deliver = { mailbox = \"bob\" }".to_owned(),
        Kind::Direct { everyone } => {
            format!("deliver = \"direct\"\nfrom = \"{}\"", from(everyone))
        }
        Kind::Gateway { everyone } => format!(
            "deliver = {{ gateway = \"isp\" }}\nfrom = \"{}\"",
            from(everyone)
        ),
    };
    writeln!(document, "{lines}").unwrap();
    let mut seen = Vec::new();
    for (pattern, deliver) in &rule.handlers {
        if !seen.contains(pattern) {
            seen.push(*pattern);
            writeln!(
                document,
                "[[domain.handler]]\nmatch = \"{pattern}\"\ndeliver = {deliver}"
            )
            .unwrap();
        }
    }
}

/// A recipient as text, and which of the names it ends in; none for literals and strangers.
fn recipient() -> impl Strategy<Value = (String, Option<usize>)> {
    let local = prop_oneof![
        4 => Just("bob".to_owned()),
        1 => prop::sample::select(vec!["postmaster", "Postmaster", "\"postmaster\""])
            .prop_map(str::to_owned),
        1 => prop::sample::select(NAMES.to_vec()).prop_map(|name| format!("bob%{name}")),
        1 => prop::sample::select(NAMES.to_vec()).prop_map(|name| format!("{name}!bob")),
        1 => prop::sample::select(NAMES.to_vec()).prop_map(|name| format!("\"bob@{name}\"")),
        1 => prop::sample::select(NAMES.to_vec()).prop_map(|name| format!("\"@{name}:bob\"")),
        1 => prop::sample::select(NAMES.to_vec()).prop_map(|name| format!("bob@{name}")),
        1 => Just("\"b\\@b\\\"\"".to_owned()),
        1 => "[a-z0-9.%!+-]{1,12}",
    ];
    let host = prop_oneof![
        6 => (0..NAMES.len(), 0..5u8).prop_map(|(index, form)| (spelled(index, form), Some(index))),
        1 => Just(("[127.0.0.1]".to_owned(), None)),
        1 => Just(("[IPv6:::1]".to_owned(), None)),
        1 => Just(("[example.test]".to_owned(), None)),
        1 => Just(("example.test..".to_owned(), None)),
        1 => Just(("*".to_owned(), None)),
        1 => "[a-z]{1,6}\\.example".prop_map(|name| (name, None)),
    ];
    let route = prop_oneof![
        3 => Just(String::new()),
        1 => prop::sample::select(NAMES.to_vec()).prop_map(|name| format!("@{name}:")),
        1 => prop::sample::select(NAMES.to_vec()).prop_map(|name| format!("@z.test,@{name}:")),
        1 => Just("@[IPv6:::1]:".to_owned()),
    ];
    (local, host, route, any::<bool>()).prop_map(|(local, (host, index), route, brackets)| {
        let path = format!("{route}{local}@{host}");
        let path = if brackets { format!("<{path}>") } else { path };
        (path, index)
    })
}

/// The same domain in other letters.
fn spelled(index: usize, form: u8) -> String {
    let name = NAMES[index];
    let unicode = name.replace("xn--bcher-kva", "bücher");
    match form {
        0 => name.to_owned(),
        1 => name.to_uppercase(),
        2 => unicode,
        3 => format!("{name}."),
        _ => unicode.to_uppercase(),
    }
}

fn sessions() -> impl Strategy<Value = SessionFacts> {
    (
        prop::sample::select(vec![
            "203.0.113.9",
            "10.0.0.1",
            "2001:db8::9",
            "192.168.1.1",
        ]),
        prop::sample::select(vec![
            ListenerClass::Auto,
            ListenerClass::External,
            ListenerClass::Dmz,
        ]),
        any::<bool>(),
        any::<bool>(),
        prop::option::of(interfaces()),
        prop::option::of(prop::sample::select(vec!["10.0.0.1", "10.0.0.2"])),
        prop::sample::select(vec![
            ReverseName::NotAsked,
            ReverseName::Failed,
            ReverseName::None,
            ReverseName::Confirmed(vec!["host.x.test".to_owned()]),
        ]),
    )
        .prop_map(|(peer, class, tls, helo, interface, proxy, reverse_name)| {
            let peer = peer.parse().unwrap();
            let mut facts = SessionFacts::new("mx", peer, "192.168.1.2".parse().unwrap());
            facts.class = class;
            facts.interface = interface;
            facts.proxy = proxy.map(|proxy| proxy.parse().unwrap());
            facts.reverse_name = reverse_name;
            facts.gateways = Arc::new(["192.168.1.1".parse().unwrap()]);
            facts.tls = tls;
            facts.helo = helo.then(|| "mail.x.test".to_owned());
            facts
        })
}

fn interfaces() -> impl Strategy<Value = SessionInterface> {
    let classes = prop::sample::select(vec![
        NetworkClass::Internal,
        NetworkClass::External,
        NetworkClass::Dmz,
    ]);
    (classes, any::<bool>()).prop_map(|(class, set)| SessionInterface {
        name: "eth0".into(),
        class,
        set,
        reason: "found".into(),
    })
}

/// Whom nothing but a login or a policy may trust: strangers, the gateway, an unknown one behind
/// a proxy.
fn is_stranger(facts: &SessionFacts) -> bool {
    let peer = facts.peer.to_string();
    let set = |class| {
        facts
            .interface
            .as_ref()
            .is_some_and(|i| i.set && i.class == class)
    };
    let believed = facts.class == ListenerClass::Auto && set(NetworkClass::Internal);
    let private = peer.starts_with("10.") || peer.starts_with("192.168.");
    peer == "192.168.1.1" || facts.peer_is_proxy() || !(private || believed)
}

/// Every route by which the answer might let the message in, whoever has a mailbox.
fn routes(answer: RecipientVerdict) -> Vec<Route> {
    match answer {
        RecipientVerdict::Refuse(_) => Vec::new(),
        RecipientVerdict::Accept { route } => vec![route],
        RecipientVerdict::AcceptIfUser {
            route, otherwise, ..
        } => {
            let mut all = routes(*otherwise);
            all.push(route);
            all
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, rng_seed: RngSeed::Fixed(9), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn i9_untrusted_senders_reach_only_domains_opened_to_everyone(
        written in written(),
        facts in sessions(),
        sender in prop::sample::select(vec!["", "a@x.test", "bob@example.test", "@z.test:bob@y.test"]),
        (path, ends_in) in recipient(),
    ) {
        let policy = Policy::parse(&written.document)
            .unwrap_or_else(|errors| panic!("{errors}\n{}", written.document));
        let sender = ReversePath::parse(sender).unwrap();
        let trust = policy.trust_of_sender(&facts, &sender);
        if trust.trusted {
            return Ok(());
        }
        // What smtp-server asks.
        let accepted = policy.accept_forward_path(&facts, &trust, &sender, &path);
        let Ok((recipient, answer)) = accepted else { return Ok(()) };
        let kind = ends_in.and_then(|index| written.meant[index]);
        for route in routes(answer) {
            let open = match kind {
                Some(Kind::Mailboxes | Kind::OneMailbox) => !route.is_remote(),
                Some(Kind::Direct { everyone } | Kind::Gateway { everyone }) => everyone,
                None => false,
            };
            prop_assert!(open, "{path} went {route:?} in\n{}", written.document);
            // No route to elsewhere hides in what the next server gets.
            if route.is_remote() {
                prop_assert!(!recipient.local().contains(['%', '!', '@']), "{path}");
            }
        }
    }

    /// Without policies nobody is trusted whom the network does not show to be one of ours.
    #[test]
    fn strangers_gateways_and_silent_proxies_are_trusted_by_nothing_but_policy(facts in sessions()) {
        let policy = Policy::parse("").unwrap();
        let trust = policy.trust(&facts);
        if is_stranger(&facts) || facts.class != ListenerClass::Auto {
            prop_assert!(!trust.trusted, "{trust:?} of {facts:?}");
        }
        prop_assert!(!trust.provisional);
    }

    /// The other half: what is opened is reached, so that the property above is not empty.
    #[test]
    fn domains_opened_to_everyone_are_reached(written in written(), index in 0..NAMES.len(), form in 0..4u8) {
        let policy = Policy::parse(&written.document).unwrap();
        let mut facts = SessionFacts::new("mx", "203.0.113.9".parse().unwrap(), "198.51.100.1".parse().unwrap());
        facts.reverse_name = ReverseName::None;
        let sender = ReversePath::Null;
        let trust = policy.trust_of_sender(&facts, &sender);
        prop_assert!(!trust.trusted);
        let recipient = policy.forward_path(&format!("eve@{}", spelled(index, form))).unwrap();
        let answer = policy.accept_recipient(&facts, &trust, &sender, &recipient);
        let denied = matches!(&answer, RecipientVerdict::Refuse(verdict) if verdict.name == "relay-denied");
        let open = match written.meant[index] {
            Some(Kind::Direct { everyone } | Kind::Gateway { everyone }) => everyone,
            local => local.is_some(),
        };
        prop_assert_eq!(open, !denied, "{}", written.document);
    }

    /// No text makes the parsers stop, and what they take is written so that it is taken again.
    #[test]
    fn addresses_survive_being_written(text in "\\PC{0,40}|[a-z.\"\\\\@ %]{0,12}@[a-z0-9.\\[\\]-]{0,12}") {
        if let Ok(address) = text.parse::<rules::EmailAddress>() {
            let again: rules::EmailAddress = address.to_string().parse().unwrap();
            prop_assert_eq!(again, address);
        }
        let _ = rules::ForwardPath::parse(&text);
        let _ = ReversePath::parse(&text);
        let _ = rules::Domain::parse(&text);
    }

    #[test]
    fn no_document_stops_the_reader(text in "\\PC{0,60}|(\\[{1,2}(domain|trust|collect|delivery)\\]{1,2}\n[a-z]{1,9} = [\"a-z{}=0-9 ]{0,12}\n){0,4}") {
        if let Err(errors) = Policy::parse(&text) {
            prop_assert!(errors.iter().all(|error| error.line >= 1));
            prop_assert!(errors.iter().next().is_some());
        }
    }
}
