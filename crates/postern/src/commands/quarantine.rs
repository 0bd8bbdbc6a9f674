//! `postern quarantine`: mail that was accepted and waits for an administrator's decision.

mod decide;
mod show;

use api::queue::v1::{ListQuarantinedRequest, QueuedMessage};
use rules::format_size;
use serde::Serialize;

use super::consequences::Removal;
use super::message_name::MessageName;
use super::queue::json::Message;
use super::queue::sender;
use crate::failure::{Failure, Outcome};
use crate::screen::{Screen, Times, columns, number, written};
use crate::system::System;

/// What can be done about mail in quarantine.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show what is in quarantine and why, the oldest first
    #[command(after_help = "\
Examples:
  postern quarantine list
  postern quarantine list --recipient bob@example.test --reason dmarc
  postern quarantine list --json | jq '.[].message'")]
    List(Filter),
    /// Show one message: its envelope, why it is kept back, and its header
    #[command(after_help = "\
Examples:
  postern quarantine show 1042
  postern quarantine show 1042 --text | less")]
    Show(show::Arguments),
    /// Let messages go on to their recipients
    #[command(after_help = "\
What is released is delivered as if it came now; what another rule sends to Junk still goes there.

Example:
  postern quarantine release 1042 1043")]
    Release {
        /// The numbers that `quarantine list` gives, or the ids with which they were accepted
        #[arg(required = true, value_name = "MESSAGE")]
        messages: Vec<MessageName>,
    },
    /// Remove messages: nobody gets them, and nobody is told
    #[command(after_help = "\
What nobody releases is removed by itself when its time ends: `[quarantine] keep` of the policy in
force when it came.

Example:
  postern quarantine remove 1042 1043 --yes")]
    Remove {
        /// The numbers that `quarantine list` gives, or the ids with which they were accepted
        #[arg(required = true, value_name = "MESSAGE")]
        messages: Vec<MessageName>,
        /// Really: they cannot be brought back
        #[arg(long)]
        yes: bool,
    },
}

/// Which messages.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Only those whose sender contains this
    #[arg(long, default_value = "", hide_default_value = true)]
    sender: String,
    /// Only those with a recipient that contains this
    #[arg(long, default_value = "", hide_default_value = true)]
    recipient: String,
    /// Only those kept for a reason that contains this, such as dmarc-quarantine
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

pub(crate) async fn run(
    command: Command,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        Command::List(filter) => {
            let (messages, more) = list(&filter, system).await?;
            let shown: Vec<Message<'_>> = messages.iter().map(Message::from).collect();
            screen.show(&shown, || table(&messages, &screen.times));
            if more {
                screen.remark("There are more; ask for them by --limit.");
            }
            Ok(Outcome::Done)
        }
        Command::Show(arguments) => show::run(&arguments, system, screen).await,
        Command::Release { messages } => {
            decide::run(decide::Decision::Release, &messages, system, screen).await
        }
        Command::Remove { messages, yes } => {
            let removal = Removal {
                what: match messages.len() {
                    1 => "removes 1 message, which nobody gets then".to_owned(),
                    count => format!("removes {count} messages, which nobody gets then"),
                },
                dependents: Vec::new(),
                way_back: "They cannot be brought back.".to_owned(),
            };
            removal.confirm(yes)?;
            decide::run(decide::Decision::Remove, &messages, system, screen).await
        }
    }
}

async fn list(filter: &Filter, system: &System) -> Result<(Vec<QueuedMessage>, bool), Failure> {
    let mut client = system.quarantine()?;
    let mut messages = Vec::new();
    let mut after = 0;
    while messages.len() < filter.limit {
        let left = u32::try_from(filter.limit - messages.len()).unwrap_or(u32::MAX);
        let request = ListQuarantinedRequest {
            after,
            limit: left.min(1000),
            sender: filter.sender.clone(),
            recipient: filter.recipient.clone(),
            reason: filter.reason.clone(),
        };
        let page = client.list_quarantined(request).await;
        let page = page.map_err(|status| Failure::call("the queue", &status))?;
        let page = page.into_inner();
        messages.extend(page.messages);
        after = page.next;
        if after == 0 {
            return Ok((messages, false));
        }
    }
    Ok((messages, true))
}

fn table(messages: &[QueuedMessage], times: &Times) -> String {
    if messages.is_empty() {
        return "Nothing is in quarantine.".to_owned();
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
            number(message.message_id),
            times.local(message.received_at_ms).into(),
            times.distance(quarantine.until_ms).into(),
            number(format_size(message.size)),
            sender(&message.reverse_path).into(),
            recipients(message).into(),
            harmless(&message.subject).into(),
            quarantine.reason.into(),
        ]);
    }
    written(&table)
}

/// The first, and how many more.
fn recipients(message: &QueuedMessage) -> String {
    match message.recipients.as_slice() {
        [] => "-".to_owned(),
        [one] => one.address.clone(),
        [first, others @ ..] => format!("{} and {} more", first.address, others.len()),
    }
}

/// What a stranger wrote, as a terminal can bear it.
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
