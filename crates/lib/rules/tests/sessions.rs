//! Plays the tables of sessions in `sessions/`: a row is a session, its verdict and its route.
//!
//! A table has a policy, a line `users: …`, and rows of
//! `facts | MAIL FROM | RCPT TO | trust | verdict | route`. Facts are `peer=`, `local=`, `helo=`,
//! `login=`, `listener=`, `class=`, `gateway=` and `tls`; of the message `size=` (declared),
//! `recipients=` (accepted before this one) and `attachment=` (a name, or a type); of the volume
//! `free=`; and `early=`: the client spoke before `greeting` or `hello`. Left out, the peer is a stranger on the
//! Internet and the listener has a public address.
// A test may stop at what it did not expect.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use rules::{
    AttachmentAction, Early, EmailAddress, ForwardPath, ListenerClass, NetworkClass, Play, Policy,
    RecipientVerdict, ReverseName, ReversePath, SessionFacts, SessionInterface, Trust, Verdict,
    blocked_attachment, explain, parse_size,
};

const STRANGER: &str = "203.0.113.9";
const PUBLIC: &str = "198.51.100.1";

fn facts(text: &str) -> SessionFacts {
    let mut facts = SessionFacts::new("mx", STRANGER.parse().unwrap(), PUBLIC.parse().unwrap());
    for word in text.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name {
            "peer" => facts.peer = value.parse().unwrap(),
            "local" => facts.local = value.parse().unwrap(),
            "helo" => facts.helo = Some(value.to_owned()),
            "login" => facts.login = Some(value.to_owned()),
            "listener" => facts.listener = value.into(),
            "gateway" => facts.gateways = Arc::new([value.parse().unwrap()]),
            "tls" => facts.tls = true,
            "proxy" => facts.proxy = Some(value.parse().unwrap()),
            "interface" => facts.interface = Some(interface(value)),
            "name" => facts.reverse_name = reverse_name(value),
            "size" | "recipients" | "attachment" | "free" | "early" => {}
            "class" => {
                facts.class = match value {
                    "auto" => ListenerClass::Auto,
                    "internal" => ListenerClass::Internal,
                    "external" => ListenerClass::External,
                    "dmz" => ListenerClass::Dmz,
                    other => panic!("no class {other}"),
                }
            }
            other => panic!("no fact {other}"),
        }
    }
    facts
}

/// `internal`, `external`, `dmz`; `!` behind it when the configuration says so.
fn interface(value: &str) -> SessionInterface {
    let class = match value.trim_end_matches('!') {
        "internal" => NetworkClass::Internal,
        "external" => NetworkClass::External,
        "dmz" => NetworkClass::Dmz,
        other => panic!("no class {other}"),
    };
    SessionInterface {
        name: "eth0".into(),
        class,
        set: value.ends_with('!'),
        reason: "the table says so".into(),
    }
}

fn reverse_name(value: &str) -> ReverseName {
    match value {
        "none" => ReverseName::None,
        "failed" => ReverseName::Failed,
        names => ReverseName::Confirmed(names.split(',').map(str::to_owned).collect()),
    }
}

/// The rules that do not ask for sender and recipient, in the order of a session.
fn refusal(policy: &Policy, trust: &Trust, facts: &SessionFacts, row: &[&str]) -> Option<Verdict> {
    let sender = ReversePath::parse(row[1]).unwrap();
    row[0]
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| match name {
            "early" if value == "greeting" => policy.accept_early_talker(trust, Early::Greeting),
            "early" => policy.accept_early_talker(trust, Early::Hello),
            "free" => policy.accept_free_space(trust, Some(parse_size(value).unwrap())),
            "size" => {
                let size = parse_size(value).unwrap();
                policy.accept_sender(facts, trust, &sender, Some(size))
            }
            "recipients" => policy.accept_another_recipient(trust, value.parse().unwrap()),
            "attachment" => by_attachment(policy, trust, value),
            _ => policy.accept_free_space(trust, None),
        })
        .find(|verdict| !verdict.is_accepted())
}

fn by_attachment(policy: &Policy, trust: &Trust, attachment: &str) -> Verdict {
    let blocked = &policy.receiving(trust.trusted).attachments;
    let pattern = if attachment.contains('/') {
        blocked.by_type(attachment)
    } else {
        blocked.by_name(attachment)
    };
    match (pattern, blocked.action) {
        (Some(pattern), AttachmentAction::Refuse) => blocked_attachment(trust, pattern),
        (_, AttachmentAction::Strip) | (None, _) => policy.accept_free_space(trust, None),
    }
}

/// `trust | verdict | route` of a row.
fn play(policy: &Policy, users: &[EmailAddress], row: &[&str]) -> String {
    let facts = facts(row[0]);
    let sender = ReversePath::parse(row[1]).unwrap();
    let trust = policy.trust_of_sender(&facts, &sender);
    if let Some(refusal) = refusal(policy, &trust, &facts, row) {
        return format!("{} | {} | -", trust.name, refusal.name);
    }
    let recipient = match policy.forward_path(row[2]) {
        Ok(recipient) => recipient,
        Err(verdict) => return format!("{} | {} | -", trust.name, verdict.name),
    };
    let story = explain(
        policy,
        &Play {
            facts: &facts,
            sender: &sender,
            recipient: &recipient,
            postmaster: ForwardPath::is_postmaster(row[2]),
            has_user: &|user| users.contains(user),
        },
    );
    assert_eq!(story.trust, trust);
    if policy
        .accept_sender(&facts, &trust, &sender, None)
        .is_accepted()
    {
        let accepted = policy.accept_forward_path(&facts, &trust, &sender, row[2]);
        let (address, answer) = accepted.unwrap();
        assert_eq!(address, recipient);
        let settled = settle(answer, users);
        assert_eq!(settled, story.verdict.name, "the story tells what happens");
    }
    let route = story.route.as_deref().unwrap_or("-");
    format!("{} | {} | {route}", trust.name, story.verdict.name)
}

/// As smtp-server does it.
fn settle(answer: RecipientVerdict, users: &[EmailAddress]) -> &'static str {
    match answer {
        RecipientVerdict::Accept { .. } => "accepted",
        RecipientVerdict::Refuse(verdict) => verdict.name,
        RecipientVerdict::AcceptIfUser { user, .. } if users.contains(&user) => "accepted",
        RecipientVerdict::AcceptIfUser { otherwise, .. } => settle(*otherwise, users),
    }
}

fn run(table: &str) {
    let (head, rows) = table.split_once("sessions:\n").unwrap();
    let (document, users) = head.split_once("users:").unwrap();
    let policy = Policy::parse(document).unwrap_or_else(|errors| panic!("{errors}"));
    let users: Vec<EmailAddress> = users
        .split(',')
        .map(str::trim)
        .filter(|user| !user.is_empty())
        .map(|user| user.parse().unwrap())
        .collect();
    let mut wrong = Vec::new();
    for row in rows.lines() {
        if row.trim().is_empty() || row.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(columns.len(), 6, "{row}");
        let found = play(&policy, &users, &columns);
        if found != columns[3..].join(" | ") {
            wrong.push(format!("{row}\n    found: {found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn trust_is_decided_by_policies_login_and_network() {
    run(include_str!("sessions/trust.txt"));
}

#[test]
fn trust_follows_the_interface_and_the_proxy() {
    run(include_str!("sessions/network.txt"));
}

#[test]
fn trust_by_reverse_name_fails_closed() {
    run(include_str!("sessions/reverse_name.txt"));
}

#[test]
fn a_new_system_relays_for_nobody_outside() {
    run(include_str!("sessions/default.txt"));
}

#[test]
fn recipients_are_accepted_by_domain_rules() {
    run(include_str!("sessions/recipients.txt"));
}

#[test]
fn i9_the_postmaster_is_reached_elsewhere_too_and_nobody_else_there() {
    run(include_str!("sessions/postmaster.txt"));
}

#[test]
fn a_postmaster_who_has_no_mailbox_is_waited_for() {
    run("[delivery]
         postmaster = \"admin@example.test\"
         [[domain]]
         name = \"example.test\"
         deliver = \"mailboxes\"
         users: bob@example.test
         sessions:
         | a@x.test | Postmaster         | external-listener | mailbox-missing | -
         | a@x.test | admin@example.test | external-listener | no-such-user    | -");
}

#[test]
fn relaying_follows_the_relay_rule() {
    run(include_str!("sessions/relay.txt"));
}

#[test]
fn each_class_is_held_to_its_own_receiving_rules() {
    run(include_str!("sessions/receiving.txt"));
}

#[test]
fn senders_are_held_to_the_receiving_rules() {
    run(include_str!("sessions/senders.txt"));
}
