//! `postern explain`: plays a session that has not happened.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use api::directory::v1::FindUsersRequest;
use rules::{
    EmailAddress, Explanation, ForwardPath, ListenerClass, NetworkClass, Play, Policy, ReverseName,
    ReversePath, SessionFacts, SessionInterface, explain, is_internal,
};
use serde::Serialize;

use super::{policy, revision};
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, columns, written};
use crate::system::System;

/// `postern explain`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code 0 when the message would be accepted, 1 when it would be refused.

Examples:
  postern explain --peer 203.0.113.9 --from a@x.test --to bob@example.test
  postern explain --peer 10.0.0.7 --login bob@example.test --from bob@example.test --to b@y.test
  postern explain --peer 10.0.0.7 --interface eth1=dmz --from a@x.test --to b@y.test
  postern explain --peer 203.0.113.9 --reverse-name mail.partner.test --from a@x.test --to b@y.test
  postern explain --peer 203.0.113.9 --from a@x.test --to b@y.test --policy new.toml")]
pub struct Arguments {
    /// Address of the client
    #[arg(long, value_name = "IP")]
    peer: IpAddr,
    /// Address that it connects to; one of the same network unless given
    #[arg(long, value_name = "IP")]
    local: Option<IpAddr>,
    /// MAIL FROM; empty for the null sender
    #[arg(long, value_name = "ADDRESS", value_parser = reverse_path)]
    from: ReversePath,
    /// RCPT TO
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// Name of the listener
    #[arg(long, default_value = "mx")]
    listener: String,
    /// Class of the listener: auto, internal, external or dmz
    #[arg(long, default_value = "auto", value_parser = class)]
    class: ListenerClass,
    /// Interface that has the local address, and its class: internal, external or dmz; found by the
    /// addresses alone unless given. `postern network` shows those of this machine
    #[arg(long, value_name = "NAME=CLASS", value_parser = interface)]
    interface: Option<SessionInterface>,
    /// Proxy that told the client's address; the same address if it told none
    #[arg(long, value_name = "IP")]
    proxy: Option<IpAddr>,
    /// Name of the client in the DNS that leads back to its address; may be repeated. `failed`
    /// when the DNS does not answer
    #[arg(long = "reverse-name", value_name = "NAME")]
    reverse_names: Vec<String>,
    /// A default gateway of the host; may be repeated
    #[arg(long = "gateway", value_name = "IP")]
    gateways: Vec<IpAddr>,
    /// Name given in EHLO
    #[arg(long, value_name = "NAME")]
    helo: Option<String>,
    /// Login proved by AUTH
    #[arg(long, value_name = "LOGIN")]
    login: Option<String>,
    /// The session is under TLS
    #[arg(long)]
    tls: bool,
    /// Ask this document instead of the policy in force; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "revision")]
    policy: Option<PathBuf>,
    /// Ask this revision of the policy; the newest unless given
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    revision: u64,
    /// Take this address for a user without asking the system; may be repeated
    #[arg(long = "user", value_name = "ADDRESS")]
    users: Vec<EmailAddress>,
}

fn reverse_path(text: &str) -> Result<ReversePath, String> {
    ReversePath::parse(text).map_err(|reason| reason.to_string())
}

fn class(text: &str) -> Result<ListenerClass, &'static str> {
    match text {
        "auto" => Ok(ListenerClass::Auto),
        "internal" => Ok(ListenerClass::Internal),
        "external" => Ok(ListenerClass::External),
        "dmz" => Ok(ListenerClass::Dmz),
        _ => Err("it can be auto, internal, external or dmz"),
    }
}

fn interface(text: &str) -> Result<SessionInterface, &'static str> {
    let (name, class) = text.split_once('=').ok_or("write NAME=CLASS")?;
    let class = match class {
        "internal" => NetworkClass::Internal,
        "external" => NetworkClass::External,
        "dmz" => NetworkClass::Dmz,
        _ => return Err("the class can be internal, external or dmz"),
    };
    Ok(SessionInterface {
        name: name.into(),
        class,
        // As if it were found: then the peer's address must bear it out.
        set: false,
        reason: "as given".into(),
    })
}

pub(crate) async fn run(
    arguments: Arguments,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let (source, policy) = policy_to_ask(&arguments, system).await?;
    let recipient = policy
        .forward_path(&arguments.to)
        .map_err(|verdict| Failure::refused(format!("RCPT TO <{}>: {verdict}", arguments.to)))?;
    let users = users(&arguments, &policy, &recipient, system).await?;
    let facts = facts(&arguments);
    let story = explain(
        &policy,
        &Play {
            facts: &facts,
            sender: &arguments.from,
            recipient: &recipient,
            postmaster: ForwardPath::is_postmaster(&arguments.to),
            has_user: &|user| users.contains(user),
        },
    );
    let told = Told {
        policy: source,
        accepted: story.verdict.is_accepted(),
        story,
    };
    screen.show(&told, || text(&told));
    Ok(Outcome::of(told.accepted))
}

async fn policy_to_ask(
    arguments: &Arguments,
    system: &System,
) -> Result<(String, Policy), Failure> {
    if let Some(file) = &arguments.policy {
        let policy = Policy::parse(&policy::read(file)?)
            .map_err(|errors| Failure::refused(format!("{}:\n{errors}", file.display())))?;
        return Ok((file.display().to_string(), policy));
    }
    let found = revision::get(system, arguments.revision).await?;
    let policy = revision::compile(&found.document)?;
    Ok((format!("revision {}", found.revision), policy))
}

/// Who of those whom the answer depends on has a mailbox.
async fn users(
    arguments: &Arguments,
    policy: &Policy,
    recipient: &EmailAddress,
    system: &System,
) -> Result<HashSet<EmailAddress>, Failure> {
    let mut users: HashSet<_> = arguments.users.iter().map(EmailAddress::folded).collect();
    let asked = policy.users_asked(recipient);
    if asked.is_empty() || !arguments.users.is_empty() {
        return Ok(users);
    }
    let request = FindUsersRequest {
        addresses: asked.iter().map(ToString::to_string).collect(),
    };
    let found = system
        .directory()?
        .find_users(request)
        .await
        .map_err(|status| {
            let failure = Failure::call("mailbox-store", &status);
            Failure::System(format!(
                "{failure}; without it, say who is a user by --user"
            ))
        })?;
    let found = found.into_inner().found;
    users.extend(
        asked
            .into_iter()
            .zip(found)
            .filter_map(|(user, found)| found.then_some(user)),
    );
    Ok(users)
}

fn facts(arguments: &Arguments) -> SessionFacts {
    let local = arguments.local.unwrap_or({
        if is_internal(arguments.peer) {
            arguments.peer
        } else {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        }
    });
    let mut facts = SessionFacts::new(arguments.listener.as_str(), arguments.peer, local);
    facts.class = arguments.class;
    facts.interface.clone_from(&arguments.interface);
    facts.proxy = arguments.proxy;
    facts.reverse_name = match arguments.reverse_names.as_slice() {
        [] => ReverseName::None,
        [one] if one == "failed" => ReverseName::Failed,
        names => ReverseName::Confirmed(names.iter().map(|name| name.to_lowercase()).collect()),
    };
    facts.gateways = arguments.gateways.clone().into();
    facts.helo.clone_from(&arguments.helo);
    facts.login.clone_from(&arguments.login);
    facts.tls = arguments.tls;
    facts
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Told {
    /// The policy that was asked.
    policy: String,
    accepted: bool,
    #[serde(flatten)]
    story: Explanation,
}

fn text(told: &Told) -> String {
    let story = &told.story;
    let mut facts = columns(&["fact", "value"]);
    for fact in story.facts.iter().filter(|fact| !fact.value.is_empty()) {
        facts.add_row([fact.name, &fact.value]);
    }
    let policy = format!("rule ({})", told.policy);
    let mut steps = columns(&[&policy, "outcome"]);
    for step in &story.steps {
        steps.add_row([&step.rule, &step.outcome]);
    }
    let verdict = &story.verdict;
    let answer = match &story.route {
        Some(route) => format!("Accepted: {route}."),
        None => format!(
            "Refused: {}. The client reads \"{} {} {}\".",
            verdict.name, verdict.code, verdict.enhanced, verdict.text
        ),
    };
    let mut parts = vec![written(&facts), written(&steps), answer];
    if !verdict.reasons.is_empty() {
        let reasons = verdict
            .reasons
            .iter()
            .map(|reason| format!("  because {reason}"));
        parts.push(reasons.collect::<Vec<_>>().join("\n"));
    }
    parts.join("\n\n").replace(".\n\n  because", ".\n  because")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is the test's failure")]
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn told(line: &str, document: &str) -> Told {
        let words = ["explain"].into_iter().chain(line.split(' '));
        let arguments = Line::try_parse_from(words).unwrap().arguments;
        let policy = Policy::parse(document).unwrap();
        let story = explain(
            &policy,
            &Play {
                facts: &facts(&arguments),
                sender: &arguments.from,
                recipient: &policy.forward_path(&arguments.to).unwrap(),
                postmaster: ForwardPath::is_postmaster(&arguments.to),
                has_user: &|_| true,
            },
        );
        Told {
            policy: "revision 4".to_owned(),
            accepted: story.verdict.is_accepted(),
            story,
        }
    }

    #[test]
    fn a_refusal_is_told_fact_by_fact() {
        let told = told("--peer 203.0.113.9 --from a@x.test --to b@y.test", "");
        assert_eq!(
            text(&told),
            "\
FACT            VALUE
peer            203.0.113.9
local address   0.0.0.0
listener        mx
listener class  auto
reverse name    none
helo            none
login           none
tls             no
sender          <a@x.test>
recipient       <b@y.test>

RULE (REVISION 4)      OUTCOME
network and login      untrusted: the local address 0.0.0.0 is not an internal one
[receiving.untrusted]  MAIL FROM <a@x.test>: accepted
[receiving.untrusted]  what the DNS says of the sender is not evaluated
domain rules           none names y.test
relay rule             relay-denied

Refused: relay-denied. The client reads \"550 5.7.1 Relaying denied\".
  because the session is untrusted (external-listener)
  because no domain rule names y.test
  because 203.0.113.9 sends as <a@x.test>"
        );
    }

    #[test]
    fn an_internal_peer_is_on_an_internal_interface_unless_said_otherwise() {
        let story = told("--peer 10.0.0.7 --from a@x.test --to b@y.test", "").story;
        assert!(story.trust.trusted);
        let line = "--peer 10.0.0.7 --local 198.51.100.1 --from a@x.test --to b@y.test";
        assert!(!told(line, "").story.trust.trusted);
        let line = "--peer 10.0.0.7 --gateway 10.0.0.7 --from a@x.test --to b@y.test";
        assert_eq!(told(line, "").story.trust.name, "gateway-peer");
    }

    #[test]
    fn interface_proxy_and_name_are_facts() {
        let line = "--peer 10.0.0.7 --interface eth1=dmz --from a@x.test --to b@y.test";
        let dmz = told(line, "");
        assert_eq!(dmz.story.trust.name, "dmz-listener");
        assert!(text(&dmz).contains("interface       eth1, DMZ: as given"));
        let line = "--peer 10.0.0.7 --interface eth0=internal --from a@x.test --to b@y.test";
        assert!(told(line, "").story.trust.trusted);
        let line = "--peer 203.0.113.9 --interface eth0=internal --from a@x.test --to b@y.test";
        assert_eq!(told(line, "").story.trust.name, "public-peer");
        let line = "--peer 10.0.0.7 --proxy 10.0.0.7 --from a@x.test --to b@y.test";
        assert_eq!(told(line, "").story.trust.name, "proxy-peer");
        let policy =
            "[[trust]]\naction = \"trust\"\nwhere = { reverse-dns = \"*.partner.test\" }\n";
        let line = "--peer 203.0.113.9 --from a@x.test --to b@y.test";
        assert!(!told(line, policy).story.trust.trusted);
        let named = format!("{line} --reverse-name Mail.partner.test");
        assert!(told(&named, policy).story.trust.trusted);
        let failed = told(&format!("{line} --reverse-name failed"), policy);
        assert_eq!(failed.story.verdict.name, "trust-unknown");
        let refused = ["explain", "--interface", "eth0=office"];
        assert!(Line::try_parse_from(refused).is_err());
    }

    #[test]
    fn an_accepted_message_is_told_with_its_route() {
        let document = "[[domain]]\nname = \"example.test\"\ndeliver = \"mailboxes\"\n";
        let told = told("--peer 203.0.113.9 --from= --to bob@example.test", document);
        let text = text(&told);
        assert!(text.contains("Accepted: mailbox bob@example.test.\n  because domain rule"));
        let json = serde_json::to_value(&told).unwrap();
        assert_eq!(json["accepted"], true);
        assert_eq!(json["policy"], "revision 4");
        assert_eq!(json["route"], "mailbox bob@example.test");
    }
}
