//! `postern quarantine`: accepted mail that waits for an administrator's decision.

mod decide;

use administration::quarantine::{self, Decision};
use administration::queue::{Message, MessageName};
use administration::{Administration, Times};
use rules::format_size;

use super::limit::limit;
use super::queue::{sender, waiting};
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, columns, number, written};

/// Subcommands for quarantined mail.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the quarantined messages with reasons, the oldest first
    #[command(after_help = "\
Examples:
  postern quarantine list
  postern quarantine list --recipient bob@example.test --reason dmarc
  postern quarantine list --json | jq '.[].message'")]
    List(Filter),
    /// Show one message: its envelope, the reason for quarantine, and its header
    #[command(after_help = "\
Examples:
  postern quarantine show 1042
  postern quarantine show 1042 --text | less")]
    Show {
        /// Number from `quarantine list`, or the id given at acceptance
        message: MessageName,
        /// Show the text too, unchanged: it may be dangerous to open
        #[arg(long)]
        text: bool,
    },
    /// Release messages to their recipients
    #[command(after_help = "\
A released message is delivered as if it had just arrived; if another rule sends it to Junk, it goes there.

Example:
  postern quarantine release 1042 1043")]
    Release {
        /// Numbers from `quarantine list`, or the ids given at acceptance
        #[arg(required = true, value_name = "MESSAGE")]
        messages: Vec<MessageName>,
    },
    /// Remove messages without a notice to anyone
    #[command(after_help = "\
Messages without a decision are removed after the time in `[quarantine] keep` of the policy that was
in force at their arrival.

Example:
  postern quarantine remove 1042 1043 --yes")]
    Remove {
        /// Numbers from `quarantine list`, or the ids given at acceptance
        #[arg(required = true, value_name = "MESSAGE")]
        messages: Vec<MessageName>,
        /// Confirm: they cannot be restored
        #[arg(long)]
        yes: bool,
    },
}

/// The filter.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Only those whose sender contains this
    #[arg(long, default_value = "", hide_default_value = true)]
    sender: String,
    /// Only those with a recipient that contains this
    #[arg(long, default_value = "", hide_default_value = true)]
    recipient: String,
    /// Only those with a reason that contains this, such as dmarc-quarantine
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// Maximum number of entries
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = limit)]
    limit: usize,
}

pub(crate) async fn run(
    command: Command,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::List(filter) => {
            let filter = quarantine::Filter {
                sender: filter.sender,
                recipient: filter.recipient,
                reason: filter.reason,
                limit: filter.limit,
            };
            let found = quarantine::list(administration, &filter).await?;
            screen.show_list(&found, |messages| table(messages, &screen.times));
            Ok(Outcome::Done)
        }
        Command::Show { message, text } => show(&message, text, administration, screen).await,
        Command::Release { messages } => {
            decide::run(Decision::Release, &messages, true, administration, screen).await
        }
        Command::Remove { messages, yes } => {
            decide::run(Decision::Remove, &messages, yes, administration, screen).await
        }
    }
}

async fn show(
    message: &MessageName,
    with_text: bool,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let message = message.number(administration).await?;
    let found = quarantine::show(administration, message, with_text).await?;
    screen.show(&found, || {
        let envelope = harmless(&waiting(&found.message, &screen.times));
        format!("{envelope}\n{}", harmless(&found.content))
    });
    if found.more {
        screen.remark("There is more of it: only the first MiB is shown.");
    }
    Ok(Outcome::Done)
}

fn table(messages: &[Message], times: &Times) -> String {
    if messages.is_empty() {
        return "The quarantine is empty.".to_owned();
    }
    let mut table = columns(&[
        "message",
        "arrived",
        "removed",
        "size",
        "sender",
        "recipients",
        "subject",
        "because",
    ]);
    for message in messages {
        let quarantine = message.quarantine.clone().unwrap_or_default();
        table.add_row([
            number(message.message),
            times.local(message.received_at).into(),
            quarantine
                .until
                .map_or("-".to_owned(), |until| times.distance(until))
                .into(),
            number(format_size(message.size)),
            sender(&message.sender).into(),
            recipients(message).into(),
            harmless(&message.subject).into(),
            quarantine.reason.into(),
        ]);
    }
    written(&table)
}

/// The first, and the number of further ones.
fn recipients(message: &Message) -> String {
    match message.recipients.as_slice() {
        [] => "-".to_owned(),
        [one] => one.address.clone(),
        [first, others @ ..] => format!("{} and {} more", first.address, others.len()),
    }
}

/// Text of strangers, made safe for a terminal.
fn harmless(text: &str) -> String {
    let show = |c: char| match c {
        '\n' | '\t' => c,
        c if message::shown::is_command(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.replace("\r\n", "\n").chars().map(show).collect()
}

#[cfg(test)]
mod tests;
