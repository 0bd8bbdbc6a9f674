//! `postern queue`: messages on their way, and what became of those that were.

mod history;
pub(super) mod json;

use super::message_name::MessageName;
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, Times, columns, number, written};
use crate::system::{Asked, System};
use api::grpc::Code;
use api::queue::v1::{
    Derivation, DerivedKind, HistoryEvent, ListMessagesRequest, Outcome as End, QueuedMessage,
    QueuedRecipient, ShowMessageRequest, ShowMessageResponse,
};
use api::queue_run::{Wanted, retry_now};
use json::{Message, Story};
use rules::{Domain, format_size};

/// What can be seen of the queue.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show the messages in the queue, the oldest first
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
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Try now what waits for its next attempt, instead of at its time
    #[command(after_help = "\
What is under way, held on purpose (`send --hold-until`) or in quarantine stays as it is. Without a domain
or a message, everything that waits is tried.

Examples:
  postern queue retry --domain slow.test
  postern queue retry --domain slow.test --subdomains
  postern queue retry --message 1042
  postern queue retry --message 01M8PP6D2X9Q7")]
    Retry {
        /// Only what is for recipients of this domain
        #[arg(long, conflicts_with = "message")]
        domain: Option<String>,
        /// And of the domains below it
        #[arg(long, requires = "domain")]
        subdomains: bool,
        /// Only what waits of this message: its number, or the id with which it was accepted
        #[arg(long, value_name = "MESSAGE")]
        message: Option<MessageName>,
    },
    /// Show one message: who still waits for it, and what became of the others
    #[command(after_help = "\
The id with which a message was accepted is what its sender's program read, what its Received field has, and
what the log names it by. It may be pasted with what stands around it.

Examples:
  postern queue show 1042
  postern queue show 01M8PP6D2X9Q7
  postern queue show '250 2.0.0 Message accepted as 01M8PP6D2X9Q7'")]
    Show {
        /// The number that `queue list` or `send` gave, or the id with which it was accepted
        #[arg(required = true, value_name = "MESSAGE")]
        message: Vec<String>,
    },
    /// Search what became of messages: each attempt, end and decision, the newest first
    History(history::Filter),
}

pub(crate) async fn run(
    command: Command,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::List {
            sender,
            recipient,
            limit,
        } => {
            let (messages, more) = list(system, &sender, &recipient, limit).await?;
            let shown: Vec<Message<'_>> = messages.iter().map(Message::from).collect();
            screen.show(&shown, || table(&messages, &screen.times));
            if more {
                screen.remark("There are more; ask for them by --limit.");
            }
        }
        Command::Retry {
            domain,
            subdomains,
            message,
        } => {
            let message = match message {
                Some(message) => Some(message.number(system).await?),
                None => None,
            };
            let wanted = wanted(domain.as_deref(), subdomains, message)?;
            let started = retry_now(&mut system.queue(Asked::Work)?, wanted, usize::MAX).await;
            let started = started.map_err(|status| Failure::call("the queue", &status))?;
            let shown = serde_json::json!({ "recipients": started.recipients });
            screen.show(&shown, || retried(started.recipients));
        }
        Command::Show { message } => {
            let name: MessageName = message
                .join(" ")
                .parse()
                .map_err(|reason| Failure::Usage(format!("{}: {reason}", message.join(" "))))?;
            let message = name.number(system).await?;
            let shown = show(system, message).await?;
            screen.show(&Story::new(message, &shown), || {
                story(message, &shown, &screen.times)
            });
        }
        Command::History(filter) => history::run(&filter, system, screen).await?,
    }
    Ok(Outcome::Done)
}

fn wanted(domain: Option<&str>, subdomains: bool, message: Option<i64>) -> Result<Wanted, Failure> {
    Ok(match (domain, message) {
        (Some(text), _) => {
            let name = Domain::parse(text)
                .map_err(|error| Failure::refused(format!("`{text}` is no domain: {error}")))?;
            Wanted::Domain {
                name: name.to_string(),
                subdomains,
            }
        }
        (None, Some(message)) => Wanted::Message(message),
        (None, None) => Wanted::All,
    })
}

fn retried(recipients: u64) -> String {
    match recipients {
        0 => "Nothing of that waits for another attempt.".to_owned(),
        1 => "1 recipient is tried now.".to_owned(),
        recipients => format!("{recipients} recipients are tried now."),
    }
}

/// Everything that waits, as `mailq` shows it.
pub(super) async fn show_all(system: &System, screen: &Screen) -> Result<(), Failure> {
    let (messages, _) = list(system, "", "", usize::MAX).await?;
    let shown: Vec<Message<'_>> = messages.iter().map(Message::from).collect();
    screen.show(&shown, || table(&messages, &screen.times));
    Ok(())
}

async fn list(
    system: &System,
    sender: &str,
    recipient: &str,
    limit: usize,
) -> Result<(Vec<QueuedMessage>, bool), Failure> {
    let mut client = system.queue(Asked::Search)?;
    let mut messages = Vec::new();
    let mut after = 0;
    while messages.len() < limit {
        let request = ListMessagesRequest {
            after,
            limit: u32::try_from(limit - messages.len())
                .unwrap_or(1000)
                .min(1000),
            sender: sender.to_owned(),
            recipient: recipient.to_owned(),
        };
        let page = client.list_messages(request).await;
        let page = page
            .map_err(|status| Failure::call("the queue", &status))?
            .into_inner();
        messages.extend(page.messages);
        if page.next == 0 {
            return Ok((messages, false));
        }
        after = page.next;
    }
    Ok((messages, true))
}

pub(super) async fn show(system: &System, message: i64) -> Result<ShowMessageResponse, Failure> {
    let request = ShowMessageRequest {
        message_id: message,
    };
    match system.queue(Asked::Question)?.show_message(request).await {
        Ok(shown) => {
            let shown = shown.into_inner();
            if shown.message.is_none() && shown.history.is_empty() {
                return Err(unknown(message));
            }
            Ok(shown)
        }
        Err(status) if status.code() == Code::NotFound => Err(unknown(message)),
        Err(status) => Err(Failure::call("the queue", &status)),
    }
}

fn unknown(message: i64) -> Failure {
    Failure::refused(format!(
        "there is no message {message}, and none is remembered; postern queue list shows what waits"
    ))
}

fn table(messages: &[QueuedMessage], times: &Times) -> String {
    if messages.is_empty() {
        return "Nothing waits.".to_owned();
    }
    let mut table = columns(&["message", "arrived", "size", "sender", "recipient", "next"]);
    for message in messages {
        let mut first = true;
        for recipient in &message.recipients {
            let blank = |text: String| if first { text } else { String::new() };
            table.add_row([
                number(blank(message.message_id.to_string())),
                blank(times.local(message.received_at_ms)).into(),
                number(blank(format_size(message.size))),
                blank(sender(&message.reverse_path)).into(),
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

/// When a recipient is tried next, and why not before.
fn next(message: &QueuedMessage, recipient: &QueuedRecipient, times: &Times) -> String {
    let when = if message.quarantine.is_some() {
        "in quarantine".to_owned()
    } else if recipient.leased {
        "under way".to_owned()
    } else {
        times.distance(recipient.due_at_ms)
    };
    match (recipient.attempts, recipient.last_reason.as_str()) {
        (0, _) => when,
        (attempts, "") => format!("{when}, {attempts} tried"),
        (attempts, reason) => format!("{when}, {attempts} tried: {reason}"),
    }
}

fn story(id: i64, shown: &ShowMessageResponse, times: &Times) -> String {
    let mut text = match &shown.message {
        Some(message) => waiting(message, times),
        None => {
            let first = shown.history.first();
            let from = first.map(|event| sender(&event.reverse_path));
            let accepted = first.map(|event| event.session.as_str());
            let accepted = match accepted.unwrap_or_default() {
                "" => String::new(),
                session => format!(", accepted as {session},"),
            };
            format!(
                "Message {id} from {}{accepted} has left the queue.\n",
                from.unwrap_or_default()
            )
        }
    };
    text.push_str(&ties(shown));
    if !shown.history.is_empty() {
        let mut table = columns(&["at", "recipient", "outcome", "why"]);
        for event in &shown.history {
            table.add_row([
                times.local(event.at_ms),
                event.address.clone(),
                outcome(event.outcome()).to_owned(),
                why(event),
            ]);
        }
        text.push('\n');
        text.push_str(&written(&table));
    }
    text
}

/// The message that it was made of, and those that were made of it.
fn ties(shown: &ShowMessageResponse) -> String {
    let tie = |what: &str, message: i64, tie: &Derivation| {
        format!("{what:<10} message {message} ({})\n", kind(tie.kind()))
    };
    let parent = shown.parent.iter();
    let children = shown.children.iter();
    parent
        .map(|one| tie("Parent", one.parent_id, one))
        .chain(children.map(|one| tie("Child", one.message_id, one)))
        .collect()
}

pub(super) fn kind(kind: DerivedKind) -> &'static str {
    match kind {
        DerivedKind::Unspecified => "unknown",
        DerivedKind::Notice => "notice",
        DerivedKind::Forward => "forward",
        DerivedKind::Copy => "copy",
        DerivedKind::ListPost => "list post",
        DerivedKind::AutoReply => "auto-reply",
    }
}

pub(super) fn waiting(message: &QueuedMessage, times: &Times) -> String {
    let origin = message.origin.clone().unwrap_or_default();
    let mut lines = vec![
        match json::id(message) {
            "" => format!("Message    {}", message.message_id),
            id => format!("Message    {}, accepted as {id}", message.message_id),
        },
        format!("Subject    {}", message.subject),
        format!("Sender     {}", sender(&message.reverse_path)),
        format!("Arrived    {}", times.local(message.received_at_ms)),
        format!("Size       {}", format_size(message.size)),
    ];
    lines.extend(options(message, times));
    let component = origin.component().name().to_owned();
    let facts: Vec<String> = [
        ("", &component),
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
        let until = times.local(quarantine.until_ms);
        lines.push(format!("Removed    {until}, unless it is released"));
    }
    for recipient in &message.recipients {
        let next = next(message, recipient, times);
        lines.push(format!("Waits for  {} ({next})", recipient.address));
    }
    lines.join("\n") + "\n"
}

/// What the sender asked of when and how soon it goes on.
fn options(message: &QueuedMessage, times: &Times) -> Vec<String> {
    let mut lines = Vec::new();
    if message.released_at_ms > times.now.as_millisecond() {
        let until = times.local(message.released_at_ms);
        lines.push(format!("Held until {until}"));
    }
    let Some(options) = &message.options else {
        return lines;
    };
    if let Some(by) = &options.deliver_by {
        let or = match by.or_return {
            true => "else it is returned",
            false => "else its sender is told",
        };
        lines.push(format!("Deliver by {}, {or}", times.local(by.deadline_ms)));
    }
    if options.priority != 0 {
        lines.push(format!("Priority   {}", options.priority));
    }
    lines
}

pub(super) fn outcome(end: End) -> &'static str {
    match end {
        End::Unspecified => "unknown",
        End::Delivered => "delivered",
        End::Relayed => "relayed",
        End::Bounced => "bounced",
        End::Discarded => "discarded",
        End::Removed => "removed",
        End::Retry => "put off",
        End::Quarantined => "quarantined",
        End::Released => "released",
        End::Forwarded => "forwarded",
        End::Expanded => "expanded to its members",
    }
}

fn why(event: &HistoryEvent) -> String {
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
