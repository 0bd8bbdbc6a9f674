//! `postern send`: submits a message to the queue, like other components.

mod timing;

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use administration::Administration;
use administration::send::{self, Draft, Envelope, Sent, Submission};
use api::queue::v1::Component;
use jiff::Timestamp;
use rules::{EmailAddress, ReversePath, parse_duration};

use crate::failure::{Failure, Outcome};
use crate::screen::Screen;
use timing::Timing;

/// `postern send`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
If a recipient in a local domain has no mailbox, the command fails and sends nothing.
With --subject or --body a message is composed. Otherwise it is read from FILE or standard input;
missing Date, Message-ID and From fields are added, and Bcc is removed.

Examples:
  postern send --to bob@example.test --subject Hello --body 'It works.'
  postern send --to bob@example.test message.eml
  postern send --read-recipients < message.eml
  postern send --to bob@example.test --body Hi --wait '10 s'
  postern send --to bob@example.test --body 'Good morning' --hold-until 2026-12-24T08:00:00Z
  postern send --to bob@y.test --body 'Is it on fire?' --priority 9 --deliver-by '10 min'")]
pub struct Arguments {
    /// Recipient; may be repeated
    #[arg(
        long,
        value_name = "ADDRESS",
        value_parser = EmailAddress::parse_written,
        required_unless_present = "read_recipients"
    )]
    to: Vec<EmailAddress>,
    /// Also send to the addresses in To, Cc and Bcc of the message
    #[arg(short = 't', long, conflicts_with_all = ["subject", "body"])]
    read_recipients: bool,
    /// Sender; empty for the null sender; default: the postmaster
    #[arg(long, value_name = "ADDRESS", value_parser = reverse_path)]
    from: Option<ReversePath>,
    /// Compose a message with this subject
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Compose a message with this text
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// Read the message from this file; - is standard input
    #[arg(conflicts_with_all = ["subject", "body"])]
    file: Option<PathBuf>,
    /// Wait until every recipient has an outcome, at most this long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, num_args = 0..=1,
          default_missing_value = "1 min")]
    wait: Option<Duration>,
    #[command(flatten)]
    timing: Timing,
}

fn reverse_path(text: &str) -> Result<ReversePath, String> {
    ReversePath::parse(text).map_err(|reason| reason.to_string())
}

pub(crate) async fn run(
    arguments: Arguments,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let wait = arguments.wait;
    let (message, recipients) = if arguments.subject.is_some() || arguments.body.is_some() {
        compose(arguments, administration).await?
    } else {
        submit(arguments, administration).await?
    };
    let sent = send::follow(administration, message, &recipients, wait).await?;
    screen.show(&sent, || text(&sent));
    Ok(Outcome::of(sent.ended_well()))
}

/// Sends a message composed of a subject and a text; returns its number and its recipients.
async fn compose(
    arguments: Arguments,
    administration: &Administration,
) -> Result<(i64, Vec<EmailAddress>), Failure> {
    let draft = Draft {
        sender: arguments.from,
        recipients: arguments.to,
        subject: arguments.subject.unwrap_or_default(),
        body: arguments.body.unwrap_or_default(),
        timing: arguments.timing.into(),
    };
    let message = send::compose(administration, Component::Send, &draft).await?;
    Ok((message, draft.recipients))
}

/// Sends a message that is read; returns its number and its recipients.
async fn submit(
    arguments: Arguments,
    administration: &Administration,
) -> Result<(i64, Vec<EmailAddress>), Failure> {
    let submission = Submission::begin(administration, Component::Send, None).await?;
    let sender = submission.sender(arguments.from)?;
    let source = submission.open(input(arguments.file.as_deref())?, &sender)?;
    let mut recipients = arguments.to;
    if arguments.read_recipients {
        recipients.extend(source.recipients(None)?);
    }
    let envelope = Envelope::new(sender, recipients);
    let envelope = envelope.timed(&arguments.timing.into(), Timestamp::now())?;
    let message = submission.submit(&envelope, source).await?;
    Ok((message, envelope.recipients))
}

fn input(file: Option<&Path>) -> Result<Box<dyn Read + Send>, Failure> {
    match file {
        Some(file) if file != Path::new("-") => match std::fs::File::open(file) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => {
                let reason = format!("{} cannot be read: {error}", file.display());
                Err(Failure::Usage(reason))
            }
        },
        None if std::io::stdin().is_terminal() => Err(Failure::Usage(
            "no message: build one by --subject and --body, name a FILE, \
             or pipe one into standard input"
                .to_owned(),
        )),
        _ => Ok(Box::new(std::io::stdin())),
    }
}

/// The outcomes, in sentences.
fn text(sent: &Sent) -> String {
    let mut lines = vec![format!(
        "Message {} is in the queue for {}.",
        sent.message,
        match sent.recipients.as_slice() {
            [one] => one.address.clone(),
            many => format!("{} recipients", many.len()),
        }
    )];
    for fate in &sent.recipients {
        let reason = match fate.reason.as_str() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        if let Some(outcome) = fate.outcome {
            lines.push(format!("{}: {outcome}{reason}", fate.address));
        }
    }
    if sent.waiting == Some(true) {
        let message = sent.message;
        lines.push(format!(
            "It is still on its way; see postern queue show {message}"
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
