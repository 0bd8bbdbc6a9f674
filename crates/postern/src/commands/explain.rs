//! `postern explain`: plays a simulated session.

mod assumptions;
mod text;

use std::fs::File;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use administration::Administration;
use administration::explain::{self, Interface, Message, Session};
use rules::{
    EmailAddress, ListenerClass, ListenerRole, ReversePath, local_part_alone, parse_duration,
    parse_size, path_within,
};

use super::policy_file;
use crate::failure::{Failure, Outcome};
use crate::screen::Screen;
use text::text;

/// `postern explain`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code 0 if the message would be accepted for every recipient, 1 if it would be refused.
With --policy no system needs to run: only the users of --user have mailboxes. A rule whose facts are
not known is shown as not evaluated: give the facts or the message, or use --dns to query the DNS as
the SMTP server would.

Without --local and --interface, the interface of the session follows from the interfaces and default gateways of this
host (postern network): run the command on the SMTP server's machine. With --policy only the addresses decide.
Assumptions are marked as `supposed`.

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
    /// Local address of the connection; default: this host's address towards the client
    #[arg(long, value_name = "IP")]
    local: Option<IpAddr>,
    /// Reverse-path of MAIL, as the client writes it; empty for the null sender
    #[arg(long, value_name = "ADDRESS", value_parser = sender)]
    from: String,
    /// Size declared by MAIL, in octets or such as '25 MiB'
    #[arg(long, value_name = "SIZE", value_parser = octets)]
    size: Option<u64>,
    /// Holding time requested by MAIL (HOLDFOR), such as '2 days'
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    hold: Option<Duration>,
    /// Delivery time requested by MAIL (BY), such as '10 min'
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deliver_by: Option<Duration>,
    /// Priority requested by MAIL, -9 to 9
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i8).range(-9..=9))]
    priority: Option<i8>,
    /// Forward-path of RCPT; may be repeated
    #[arg(long, value_name = "ADDRESS", required = true)]
    to: Vec<String>,
    /// Name of a configured listener, or any name with --class or --role; default: mx
    #[arg(long)]
    listener: Option<String>,
    /// Class of the listener: auto, internal, external or dmz; default: that of the configured listener of
    /// this name, otherwise auto
    #[arg(long)]
    class: Option<ListenerClass>,
    /// Role of the listener: mx (other servers) or submission (mail programs, with a login); default: that
    /// of the configured listener of this name, otherwise mx
    #[arg(long)]
    role: Option<ListenerRole>,
    /// Interface of the local address, and its class: internal, external or dmz; default: this host's, see
    /// `postern network`
    #[arg(long, value_name = "NAME=CLASS", value_parser = interface)]
    interface: Option<Interface>,
    /// Proxy that gave the client's address; equal to that address if it gave none
    #[arg(long, value_name = "IP")]
    proxy: Option<IpAddr>,
    /// Reverse DNS name of the client that resolves to its address; may be repeated; `failed` if the DNS
    /// does not answer
    #[arg(long = "reverse-name", value_name = "NAME")]
    reverse_names: Vec<String>,
    /// Default gateway of the host; may be repeated; default: this host's
    #[arg(long = "gateway", value_name = "IP")]
    gateways: Vec<IpAddr>,
    /// Name in EHLO
    #[arg(long, value_name = "NAME")]
    helo: Option<String>,
    /// Login proved by AUTH
    #[arg(long, value_name = "LOGIN")]
    login: Option<String>,
    /// The session uses TLS
    #[arg(long)]
    tls: bool,
    /// Message to check: its attachments, its From, and with --dns its signatures; MAIL declares its size;
    /// - is standard input
    #[arg(long, value_name = "FILE")]
    message: Option<PathBuf>,
    /// Query the DNS as the SMTP server does: the client's name, lists, the sender's domain and sender
    /// authentication. Other options have precedence
    #[arg(long)]
    dns: bool,
    #[command(flatten)]
    assumptions: assumptions::AssumptionOptions,
    /// Use this document instead of the policy in force; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "revision")]
    policy: Option<PathBuf>,
    /// Use this revision of the policy; default: the newest
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    revision: u64,
    /// Assume that this user exists, instead of asking the system; may be repeated
    #[arg(long = "user", value_name = "ADDRESS", value_parser = EmailAddress::parse_written)]
    users: Vec<EmailAddress>,
}

fn octets(text: &str) -> Result<u64, &'static str> {
    text.parse().or_else(|_| parse_size(text))
}

/// A sender that no server accepts is an error of the command line. The policy decides about one that only
/// `lenient` accepts.
fn sender(text: &str) -> Result<String, String> {
    let path = path_within(text).unwrap_or(text);
    if local_part_alone(path).is_none() {
        ReversePath::parse(path).map_err(|reason| reason.to_string())?;
    }
    Ok(text.to_owned())
}

fn interface(text: &str) -> Result<Interface, &'static str> {
    let (name, class) = text.split_once('=').ok_or("write NAME=CLASS")?;
    Ok(Interface {
        name: name.to_owned(),
        class: class.parse()?,
    })
}

pub(crate) async fn run(
    arguments: Arguments,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    if let Some(listener) = &arguments.listener
        && arguments.class.is_none()
        && arguments.role.is_none()
    {
        administration.system().require_listener(listener)?;
    }
    let file = arguments.policy.as_deref();
    let queried = policy_file::queried(file, arguments.revision, administration).await?;
    let message = arguments.message.as_deref().map(message).transpose()?;
    let session = session(arguments)?;
    let explained = explain::explain(administration, &queried, &session, message.as_ref()).await?;
    screen.show(&explained, || text(&explained));
    Ok(Outcome::of(explained.accepted))
}

/// Reads a message; - is standard input.
fn message(file: &Path) -> Result<Message, Failure> {
    let read = if file == Path::new("-") {
        Message::read(std::io::stdin())
    } else {
        File::open(file).and_then(Message::read)
    };
    read.map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}

fn session(arguments: Arguments) -> Result<Session, Failure> {
    Ok(Session {
        assumptions: arguments.assumptions.assumptions()?,
        peer: arguments.peer,
        local: arguments.local,
        sender: arguments.from,
        size: arguments.size,
        hold: arguments.hold,
        deliver_by: arguments.deliver_by,
        priority: arguments.priority,
        recipients: arguments.to,
        listener: arguments.listener.unwrap_or_else(|| "mx".to_owned()),
        class: arguments.class,
        role: arguments.role,
        interface: arguments.interface,
        proxy: arguments.proxy,
        reverse_names: arguments.reverse_names,
        gateways: arguments.gateways,
        helo: arguments.helo,
        login: arguments.login,
        tls: arguments.tls,
        ask_dns: arguments.dns,
        users: arguments.users,
    })
}

#[cfg(test)]
mod tests;
