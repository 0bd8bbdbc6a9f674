//! `postern queue`: messages in transit, and the history of others.

mod history;

use administration::queue::{
    self, Event, Filter, Message, MessageName, Recipient, Retried, Retry, Story,
};
use administration::{Administration, Times};
use rules::{Domain, format_size};

use super::limit::limit;
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, columns, number, written};

/// Subcommands for the queue.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the messages in the queue, the oldest first
    #[command(after_help = "\
Examples:
  postern queue list
  postern queue list --recipient @slow.test --json")]
    List {
        /// Only those whose sender contains this
        #[arg(long, default_value = "", hide_default_value = true)]
        sender: String,
        /// Only those with a recipient that contains this
        #[arg(long, default_value = "", hide_default_value = true)]
        recipient: String,
        /// Maximum number of entries
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = limit)]
        limit: usize,
    },
    /// Retry waiting recipients now
    #[command(after_help = "\
Recipients in progress, held (`send --hold-until`) or in quarantine do not change. Without a domain or a
message, all waiting recipients are retried.

Examples:
  postern queue retry --domain slow.test
  postern queue retry --domain slow.test --subdomains
  postern queue retry --message 1042
  postern queue retry --message 01M8PP6D2X9Q7")]
    Retry {
        /// Only recipients in this domain
        #[arg(long, conflicts_with = "message")]
        domain: Option<String>,
        /// Include its subdomains
        #[arg(long, requires = "domain")]
        subdomains: bool,
        /// Only recipients of this message: its number, or the id given at acceptance
        #[arg(long, value_name = "MESSAGE")]
        message: Option<MessageName>,
    },
    /// Show one message: its waiting recipients, and the outcomes of the others
    #[command(after_help = "\
The id given at acceptance is in the reply to the sender's program, in the Received field, and in the log. It
may be pasted with the surrounding text.

Examples:
  postern queue show 1042
  postern queue show 01M8PP6D2X9Q7
  postern queue show '250 2.0.0 Message accepted as 01M8PP6D2X9Q7'")]
    Show {
        /// Number from `queue list` or `send`, or the id given at acceptance
        #[arg(required = true, value_name = "MESSAGE")]
        message: Vec<String>,
    },
    /// Search the history: each attempt, outcome and decision, the newest first
    History(history::Filter),
}

pub(crate) async fn run(
    command: Command,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::List {
            sender,
            recipient,
            limit,
        } => {
            let filter = Filter {
                sender,
                recipient,
                limit,
            };
            let found = queue::list(administration, &filter).await?;
            screen.show_list(&found, |messages| table(messages, &screen.times));
        }
        Command::Retry {
            domain,
            subdomains,
            message,
        } => {
            let retry = match (domain, message) {
                (Some(domain), _) => of_domain(&domain, subdomains)?,
                (None, Some(message)) => Retry::Message(message.number(administration).await?),
                (None, None) => Retry::All,
            };
            let retried = queue::retry(administration, retry).await?;
            screen.show(&retried, || text(&retried));
        }
        Command::Show { message } => {
            let name: MessageName = message
                .join(" ")
                .parse()
                .map_err(|reason| Failure::Usage(format!("{}: {reason}", message.join(" "))))?;
            let message = name.number(administration).await?;
            let found = queue::show(administration, message).await?;
            screen.show(&found, || story(&found, &screen.times));
        }
        Command::History(filter) => history::run(filter, administration, screen).await?,
    }
    Ok(Outcome::Done)
}

fn of_domain(text: &str, subdomains: bool) -> Result<Retry, Failure> {
    let name = Domain::parse(text)
        .map_err(|error| Failure::refused(format!("`{text}` is no domain: {error}")))?;
    Ok(Retry::Domain { name, subdomains })
}

fn text(retried: &Retried) -> String {
    match retried.recipients {
        0 => "No matching recipient waits for another attempt.".to_owned(),
        1 => "1 recipient is tried now.".to_owned(),
        recipients => format!("{recipients} recipients are tried now."),
    }
}

/// All waiting messages, as `mailq` shows them.
pub(super) async fn show_all(
    administration: &Administration,
    screen: &Screen,
) -> Result<(), Failure> {
    let all = Filter {
        limit: usize::MAX,
        ..Filter::default()
    };
    let found = queue::list(administration, &all).await?;
    screen.show_list(&found, |messages| table(messages, &screen.times));
    Ok(())
}

fn table(messages: &[Message], times: &Times) -> String {
    if messages.is_empty() {
        return "Nothing waits.".to_owned();
    }
    let mut table = columns(&["message", "arrived", "size", "sender", "recipient", "next"]);
    for message in messages {
        let mut first = true;
        for recipient in &message.recipients {
            let blank = |text: String| if first { text } else { String::new() };
            table.add_row([
                number(blank(message.message.to_string())),
                blank(times.local(message.received_at)).into(),
                number(blank(format_size(message.size))),
                blank(sender(&message.sender)).into(),
                recipient.address.clone().into(),
                next(message, recipient, times).into(),
            ]);
            first = false;
        }
    }
    written(&table)
}

pub(super) fn sender(reverse_path: &str) -> String {
    match reverse_path {
        "" => "<>".to_owned(),
        path => path.to_owned(),
    }
}

/// The time of the next attempt, and the reason for waiting.
fn next(message: &Message, recipient: &Recipient, times: &Times) -> String {
    let when = if message.quarantine.is_some() {
        "in quarantine".to_owned()
    } else if recipient.under_way {
        "under way".to_owned()
    } else {
        recipient
            .due_at
            .map_or("-".to_owned(), |at| times.distance(at))
    };
    match (recipient.attempts, recipient.last_reason.as_str()) {
        (0, _) => when,
        (attempts, "") => format!("{when}, {attempts} tried"),
        (attempts, reason) => format!("{when}, {attempts} tried: {reason}"),
    }
}

fn story(found: &Story, times: &Times) -> String {
    let mut text = match &found.waiting {
        Some(message) => waiting(message, times),
        None => {
            let first = found.history.first();
            let from = first.map(|event| sender(&event.sender));
            let accepted = first.map(|event| event.id.as_str());
            let accepted = match accepted.unwrap_or_default() {
                "" => String::new(),
                id => format!(", accepted as {id},"),
            };
            format!(
                "Message {} from {}{accepted} has left the queue.\n",
                found.message,
                from.unwrap_or_default()
            )
        }
    };
    text.push_str(&relatives(found));
    if !found.history.is_empty() {
        let mut table = columns(&["at", "recipient", "outcome", "why"]);
        for event in &found.history {
            table.add_row([
                times.local(event.at),
                event.recipient.clone(),
                event.outcome.to_owned(),
                why(event),
            ]);
        }
        text.push('\n');
        text.push_str(&written(&table));
    }
    text
}

/// The message that it was derived from, and those derived from it.
fn relatives(found: &Story) -> String {
    let relative =
        |what: &str, message: i64, kind: &str| format!("{what:<10} message {message} ({kind})\n");
    let parent = found.parent.iter();
    let children = found.children.iter();
    let more = found
        .more_children
        .then(|| "           and more\n".to_owned());
    parent
        .map(|parent| relative("Parent", parent.message, parent.kind))
        .chain(children.map(|child| relative("Child", child.message, child.kind)))
        .chain(more)
        .collect()
}

pub(super) fn waiting(message: &Message, times: &Times) -> String {
    let origin = message.origin.clone().unwrap_or_default();
    let mut lines = vec![
        match message.id.as_str() {
            "" => format!("Message    {}", message.message),
            id => format!("Message    {}, accepted as {id}", message.message),
        },
        format!("Subject    {}", message.subject),
        format!("Sender     {}", sender(&message.sender)),
        format!("Arrived    {}", times.local(message.received_at)),
        format!("Size       {}", format_size(message.size)),
    ];
    lines.extend(requests(message, times));
    let facts: Vec<String> = [
        ("", origin.component),
        ("from ", &origin.peer_address),
        ("as ", &origin.login),
        ("trust: ", &origin.trust),
    ]
    .iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| format!("{name}{value}"))
    .collect();
    if !facts.is_empty() {
        lines.push(format!("Origin     {}", facts.join(", ")));
    }
    if let Some(quarantine) = &message.quarantine {
        lines.push(format!("Quarantine {}", quarantine.reason));
        let until = times.local(quarantine.until);
        lines.push(format!("Removed    {until}, unless it is released"));
    }
    for recipient in &message.recipients {
        let next = next(message, recipient, times);
        lines.push(format!("Waits for  {} ({next})", recipient.address));
    }
    lines.join("\n") + "\n"
}

/// The sender's requests about time and priority.
fn requests(message: &Message, times: &Times) -> Vec<String> {
    let mut lines = Vec::new();
    if message.held_until.is_some_and(|until| until > times.now) {
        let until = times.local(message.held_until);
        lines.push(format!("Held until {until}"));
    }
    if let Some(by) = &message.deliver_by {
        let or = match by.or_return {
            true => "else it is returned",
            false => "else its sender is told",
        };
        lines.push(format!("Deliver by {}, {or}", times.local(by.at)));
    }
    if message.priority != 0 {
        lines.push(format!("Priority   {}", message.priority));
    }
    lines
}

fn why(event: &Event) -> String {
    let mut parts = Vec::new();
    if !event.reason.is_empty() {
        parts.push(event.reason.clone());
    }
    match (event.server.as_str(), event.reply.as_str()) {
        ("", "") => {}
        (server, "") => parts.push(server.to_owned()),
        ("", reply) => parts.push(reply.to_owned()),
        (server, reply) => parts.push(format!("{server} said {reply}")),
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests;
