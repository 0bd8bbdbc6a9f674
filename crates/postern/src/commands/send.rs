//! `postern send`: puts a message into the queue, like any other component that submits.

mod composed;
mod fate;
mod source;

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::intake::{Intake, IntakeError};
use api::message::v1::Content;
use api::queue::v1::{Origin, Recipient, Submission};
use api::queue_client::{EnqueueError, Enqueuer};
use rules::{EmailAddress, Policy, ReversePath, parse_duration};

use super::revision;
use crate::failure::{Failure, Outcome};
use crate::screen::Screen;
use crate::system::System;
use composed::Composed;
use source::{Source, Trace};

/// `postern send`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --subject or --body a message is built. Otherwise it is read from FILE or standard input;
Date, Message-ID and From are added where they are missing, and Bcc is taken out.

Examples:
  postern send --to bob@example.test --subject Hello --body 'It works.'
  postern send --to bob@example.test message.eml
  postern send --read-recipients < message.eml
  postern send --to bob@example.test --body Hi --wait '10 s'")]
pub struct Arguments {
    /// Recipient; may be repeated
    #[arg(
        long,
        value_name = "ADDRESS",
        required_unless_present = "read_recipients"
    )]
    to: Vec<EmailAddress>,
    /// Also send to the addresses in To, Cc and Bcc of the message
    #[arg(short = 't', long, conflicts_with_all = ["subject", "body"])]
    read_recipients: bool,
    /// Sender; empty for the null sender; the postmaster unless given
    #[arg(long, value_name = "ADDRESS", value_parser = reverse_path)]
    from: Option<ReversePath>,
    /// Build a message with this subject
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Build a message with this text
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// Read the message from this file; - is standard input
    #[arg(conflicts_with_all = ["subject", "body"])]
    file: Option<PathBuf>,
    /// Wait until every recipient has reached an end, at most this long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, num_args = 0..=1,
          default_missing_value = "1 min")]
    wait: Option<Duration>,
}

fn reverse_path(text: &str) -> Result<ReversePath, String> {
    ReversePath::parse(text).map_err(|reason| reason.to_string())
}

pub(crate) async fn run(
    arguments: Arguments,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    let (policy_revision, policy) = revision::newest_policy(system).await?;
    let sender = match arguments.from.clone() {
        Some(sender) => sender,
        None => default_sender(&policy)?,
    };
    let trace = Trace::now(system.hostname.clone());
    let input = input(&arguments, &sender, &trace)?;
    let source = Source::open(input, &sender, &trace)
        .map_err(|error| Failure::refused(format!("the message cannot be read: {error}")))?;
    let mut recipients = arguments.to.clone();
    if arguments.read_recipients {
        recipients.extend(source.recipients().map_err(Failure::Refused)?);
    }
    let recipients = without_repeats(recipients);
    if recipients.is_empty() {
        return Err(Failure::refused(
            "the message names no recipients in To, Cc or Bcc; name one by --to",
        ));
    }
    let taken = take(source, system).await?;
    let mut submission = submission(&sender, &recipients, taken);
    submission.policy_revision = policy_revision;
    submission.origin = Some(origin(&trace));
    let accepted = Enqueuer::new(system.queue_channel()?)
        .enqueue(submission)
        .await
        .map_err(refused)?;
    let sent = fate::follow(system, &accepted, &recipients, arguments.wait).await?;
    screen.show(&sent, || sent.text());
    Ok(Outcome::of(sent.ended_well()))
}

/// Where a message comes from when nobody says.
fn default_sender(policy: &Policy) -> Result<ReversePath, Failure> {
    policy
        .forward_path("postmaster")
        .map(ReversePath::Address)
        .map_err(|_| {
            Failure::Usage(
                "no sender: give one by --from, or name a postmaster in the policy".to_owned(),
            )
        })
}

fn input(
    arguments: &Arguments,
    sender: &ReversePath,
    trace: &Trace,
) -> Result<Box<dyn Read>, Failure> {
    if arguments.subject.is_some() || arguments.body.is_some() {
        let message = Composed {
            sender,
            recipients: &arguments.to,
            subject: arguments.subject.as_deref().unwrap_or_default(),
            body: arguments.body.as_deref().unwrap_or_default(),
        };
        return Ok(Box::new(std::io::Cursor::new(message.write(trace)?)));
    }
    match arguments.file.as_deref() {
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

fn without_repeats(addresses: Vec<EmailAddress>) -> Vec<EmailAddress> {
    let mut seen = Vec::with_capacity(addresses.len());
    for address in addresses {
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    seen
}

/// A message as the queue wants it.
struct Taken {
    content: Content,
    eight_bit: bool,
    utf8_header: bool,
}

async fn take(mut source: Source, system: &System) -> Result<Taken, Failure> {
    let unread = |error: std::io::Error| {
        Failure::System(format!("the message cannot be read to its end: {error}"))
    };
    let utf8_header = !source.header().is_ascii();
    let mut eight_bit = utf8_header;
    let mut intake = Intake::to_queue(system.queue_channel()?);
    intake.push(source.header()).await.map_err(failed)?;
    while let Some(piece) = source.next().map_err(unread)? {
        eight_bit = eight_bit || !piece.is_ascii();
        intake.push(&piece).await.map_err(failed)?;
    }
    Ok(Taken {
        content: intake.finish().await.map_err(failed)?,
        eight_bit,
        utf8_header,
    })
}

/// As SMTP would refuse it: 5.6.0 is what says that a message's content is none (RFC 3463 §3.7).
fn failed(error: IntakeError) -> Failure {
    match error {
        IntakeError::Scan(error) => Failure::refused(error.to_string()),
        IntakeError::Blocked(blocked) => Failure::refused(blocked.to_string()),
        error @ IntakeError::Nul => Failure::refused(format!("{error} (5.6.0)")),
        IntakeError::Upload(status) => Failure::call("the queue", &status),
    }
}

fn submission(sender: &ReversePath, recipients: &[EmailAddress], taken: Taken) -> Submission {
    let utf8_address = sender
        .address()
        .into_iter()
        .chain(recipients)
        .any(EmailAddress::needs_smtputf8);
    Submission {
        reverse_path: sender.to_string(),
        recipients: recipients
            .iter()
            .map(|address| Recipient {
                address: address.to_string(),
                ..Recipient::default()
            })
            .collect(),
        content: Some(taken.content),
        eight_bit: taken.eight_bit,
        smtputf8: utf8_address || taken.utf8_header,
        ..Submission::default()
    }
}

fn origin(trace: &Trace) -> Origin {
    Origin {
        component: "postern send".to_owned(),
        trust: "command-line".to_owned(),
        session: trace.id.clone(),
        ..Origin::default()
    }
}

fn refused(error: EnqueueError) -> Failure {
    match error {
        EnqueueError::Refused(_) => Failure::refused(error.to_string()),
        EnqueueError::Unavailable(_) => Failure::System(format!(
            "{error}; is the system running? Start it by `postern up`, or say where it is by \
             --data or --config"
        )),
    }
}

#[cfg(test)]
mod tests;
