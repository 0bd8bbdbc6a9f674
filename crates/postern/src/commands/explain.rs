//! `postern explain`: plays a session that has not happened.

mod circumstances;
mod dns;
mod message;
mod place;
mod sender;
mod told;

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rules::{
    BlockedAttachments, Circumstances, EmailAddress, Explanation, ListenerClass, ListenerRole,
    ONLY_LENIENT_TAKES_IT, Play, Policy, ReverseName, Screened, SessionFacts, SessionInterface,
    Timing, explain, parse_duration, parse_size,
};

use super::asked::{self, Asked};
use crate::failure::{Failure, Outcome};
use crate::screen::Screen;
use crate::system::System;
use host_network::Snapshot;
use message::Message;
use place::{Host, Supposed};
use told::Told;

/// `postern explain`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code 0 when the message would be accepted for every recipient, 1 when it would be refused.
With --policy no system needs to run: nobody has a mailbox then but whom --user names. A rule that
needs what is not known is told as not evaluated: say what is known, give the message, or let --dns
look it up as the SMTP server would.

Unless --local or --interface says where the session comes in, it is found by the interfaces and default gateways of
this host, as postern network shows them: run it where the SMTP server runs. With --policy it is supposed by the
addresses alone. What is supposed is told as such.

Examples:
  postern explain --peer 203.0.113.9 --from a@x.test --to bob@example.test
  postern explain --peer 10.0.0.7 --login bob@example.test --from bob@example.test --to b@y.test
  postern explain --peer 203.0.113.9 --from a@x.test --size '60 MiB' --to b@y.test --to c@y.test
  postern explain --role submission --peer 10.0.0.7 --login bob@example.test --from bob@example.test --hold '40 days' --to b@y.test
  postern explain --peer 10.0.0.7 --interface eth1=dmz --from a@x.test --to b@y.test
  postern explain --peer 203.0.113.9 --reverse-name mail.partner.test --from a@x.test --to b@y.test
  postern explain --peer 203.0.113.9 --from a@x.test --to bob@example.test --message mail.eml --dns
  postern explain --peer 203.0.113.9 --from a@x.test --to bob@example.test --spf fail --dmarc fail/reject
  postern explain --peer 203.0.113.9 --from a@x.test --to bob@example.test --free '500 MiB' --visitor new
  postern explain --peer 203.0.113.9 --from a@x.test --to b@y.test --policy new.toml")]
pub struct Arguments {
    /// Address of the client
    #[arg(long, value_name = "IP")]
    peer: IpAddr,
    /// Address that it connects to; the one by which this host is reached from the client unless given
    #[arg(long, value_name = "IP")]
    local: Option<IpAddr>,
    /// MAIL FROM, as the client writes it; empty for the null sender
    #[arg(long, value_name = "ADDRESS", value_parser = sender::written)]
    from: String,
    /// Size that MAIL declares, in octets or such as '25 MiB'
    #[arg(long, value_name = "SIZE", value_parser = octets)]
    size: Option<u64>,
    /// How long MAIL asks for the message to be held (HOLDFOR), such as '2 days'
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    hold: Option<Duration>,
    /// In what time MAIL asks for it to be delivered or returned (BY), such as '10 min'
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deliver_by: Option<Duration>,
    /// Priority that MAIL asks for, -9 to 9
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i8).range(-9..=9))]
    priority: Option<i8>,
    /// RCPT TO; may be repeated
    #[arg(long, value_name = "ADDRESS", required = true)]
    to: Vec<String>,
    /// Name of the listener
    #[arg(long, default_value = "mx")]
    listener: String,
    /// Class of the listener: auto, internal, external or dmz; what the configuration says of a listener of
    /// that name unless given, else auto
    #[arg(long)]
    class: Option<ListenerClass>,
    /// For whom the listener is: mx (other servers) or submission (people's programs, behind a
    /// login); what the configuration says of a listener of that name unless given, else mx
    #[arg(long)]
    role: Option<ListenerRole>,
    /// Interface that has the local address, and its class: internal, external or dmz; this host's unless
    /// given: `postern network` shows them
    #[arg(long, value_name = "NAME=CLASS", value_parser = interface)]
    interface: Option<SessionInterface>,
    /// Proxy that told the client's address; the same address if it told none
    #[arg(long, value_name = "IP")]
    proxy: Option<IpAddr>,
    /// Name of the client in the DNS that leads back to its address; may be repeated. `failed`
    /// when the DNS does not answer
    #[arg(long = "reverse-name", value_name = "NAME")]
    reverse_names: Vec<String>,
    /// A default gateway of the host; may be repeated; this host's unless given
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
    /// Message that would come: its attachments and its From are looked at, its signatures with --dns,
    /// and MAIL declares its size; - is standard input
    #[arg(long, value_name = "FILE")]
    message: Option<PathBuf>,
    /// Look up what the DNS says now, as the SMTP server does: the client's name, lists, the sender's
    /// domain and who vouches for it. What is told by another option counts more
    #[arg(long)]
    dns: bool,
    #[command(flatten)]
    told: circumstances::Told,
    /// Ask this document instead of the policy in force; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "revision")]
    policy: Option<PathBuf>,
    /// Ask this revision of the policy; the newest unless given
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    revision: u64,
    /// Take this address for a user without asking the system; may be repeated
    #[arg(long = "user", value_name = "ADDRESS", value_parser = EmailAddress::parse_written)]
    users: Vec<EmailAddress>,
}

fn octets(text: &str) -> Result<u64, &'static str> {
    text.parse().or_else(|_| parse_size(text))
}

fn interface(text: &str) -> Result<SessionInterface, &'static str> {
    let (name, class) = text.split_once('=').ok_or("write NAME=CLASS")?;
    Ok(SessionInterface {
        name: name.into(),
        class: class.parse()?,
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
    let asked = asked::policy(arguments.policy.as_deref(), arguments.revision, system).await?;
    let users = users(&arguments, &asked, system).await?;
    let known = learn(&arguments, &asked, system).await?;
    let told = play(&arguments, &known, asked, &|user| users.contains(user))?;
    screen.show(&told, || told.text());
    Ok(Outcome::of(told.accepted))
}

/// All that is known of a session that has not happened.
#[derive(Debug)]
struct Known {
    facts: SessionFacts,
    supposed: Vec<Supposed>,
    circumstances: Circumstances,
    message: Option<Message>,
}

impl Known {
    /// What the command line says, and this host.
    fn told(arguments: &Arguments, host: Option<&Host<'_>>) -> Result<Self, Failure> {
        let message = arguments
            .message
            .as_deref()
            .map(Message::read)
            .transpose()?;
        let mut circumstances = arguments.told.circumstances()?;
        if let Some(message) = &message {
            circumstances::of_message(&mut circumstances, message);
        }
        let mut facts = facts(arguments);
        let supposed = place::complete(&mut facts, arguments.local, host);
        Ok(Self {
            facts,
            supposed,
            circumstances,
            message,
        })
    }
}

/// What the command line says, and what the running system and the DNS say besides.
async fn learn(arguments: &Arguments, asked: &Asked, system: &System) -> Result<Known, Failure> {
    // Interfaces that cannot be read are known to nobody.
    let network = Snapshot::read().ok().filter(|_| !asked.is_file);
    let host = network.map(|network| Host {
        network,
        settings: &system.interfaces,
    });
    let mut known = Known::told(arguments, host.as_ref())?;
    let class = arguments.class.or(system.class_of(&arguments.listener));
    known.facts.class = class.unwrap_or_default();
    let role = arguments.role.or(system.role_of(&arguments.listener));
    known.facts.role = role.unwrap_or_default();
    if arguments.dns {
        let dns = dns::resolver(system)?;
        if arguments.reverse_names.is_empty() {
            dns::reverse_name(&dns, &asked.policy, &mut known.facts).await;
        }
        let sender = sender::read(&arguments.from, &asked.policy, &known.facts)?;
        let questions = dns::Questions {
            policy: &asked.policy,
            facts: &known.facts,
            sender: &sender.path,
            message: known.message.as_ref(),
        };
        let found = questions.ask(dns, system).await;
        known.circumstances = found.beside(&known.circumstances);
    }
    let wanted = |class| asked.policy.receiving(class).min_free_space.is_some();
    let unknown = known.circumstances.free.is_none();
    if unknown && !asked.is_file && (wanted(true) || wanted(false)) {
        known.circumstances.free = system.free_space().await?;
    }
    Ok(known)
}

fn play(
    arguments: &Arguments,
    known: &Known,
    asked: Asked,
    has_user: &dyn Fn(&EmailAddress) -> bool,
) -> Result<Told, Failure> {
    let sender = sender::read(&arguments.from, &asked.policy, &known.facts)?;
    let message = known.message.as_ref();
    let screen = |rules: &Arc<BlockedAttachments>| match message {
        Some(message) => api::screening::screened(rules, message.octets()),
        None => Screened::default(),
    };
    let size = message.map(|message| message.octets().len() as u64);
    let mut story = explain(
        &asked.policy,
        &Play {
            facts: &known.facts,
            sender: &sender.path,
            size: arguments.size.or(size),
            timing: timing(arguments),
            recipients: &arguments.to,
            taken: 0,
            has_user,
            circumstances: &known.circumstances,
            screen: message.is_some().then_some(&screen),
        },
    );
    for supposed in &known.supposed {
        let why = format!(" (supposed: {})", supposed.why);
        remark(&mut story, supposed.fact, &why);
    }
    if sender.leniently {
        let why = format!(" (of `{}`: {ONLY_LENIENT_TAKES_IT})", arguments.from);
        remark(&mut story, "sender", &why);
    }
    Ok(Told {
        policy: asked.source,
        accepted: story.is_accepted(),
        story,
    })
}

/// Puts a remark behind the value of a fact.
fn remark(story: &mut Explanation, name: &str, remark: &str) {
    let facts = story.facts.iter_mut();
    for fact in facts.filter(|fact| fact.name == name) {
        fact.value.push_str(remark);
    }
}

fn timing(arguments: &Arguments) -> Timing {
    let milliseconds = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    Timing {
        hold: arguments.hold.map(milliseconds),
        deliver_by: arguments.deliver_by.map(milliseconds),
        or_return: arguments.deliver_by.is_some(),
        priority: arguments.priority,
    }
}

/// Who of those whom the answer depends on has a mailbox.
async fn users(
    arguments: &Arguments,
    asked: &Asked,
    system: &System,
) -> Result<HashSet<EmailAddress>, Failure> {
    if asked.is_file || !arguments.users.is_empty() {
        return Ok(arguments.users.iter().map(EmailAddress::folded).collect());
    }
    asked::users(system, of_interest(&asked.policy, &arguments.to)).await
}

fn of_interest(policy: &Policy, recipients: &[String]) -> Vec<EmailAddress> {
    recipients
        .iter()
        .flat_map(|recipient| policy.users_asked_for(recipient))
        .collect()
}

fn facts(arguments: &Arguments) -> SessionFacts {
    let (peer, local) = (arguments.peer, arguments.local.unwrap_or(arguments.peer));
    let mut facts = SessionFacts::new(arguments.listener.as_str(), peer, local);
    facts.class = arguments.class.unwrap_or_default();
    facts.role = arguments.role.unwrap_or_default();
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

#[cfg(test)]
mod tests;
