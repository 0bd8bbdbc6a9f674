//! `postern send`: puts a message into the queue, like any other component that submits.

mod composed;
mod fate;
pub(super) mod source;
pub(super) mod submit;
mod timing;

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::queue::v1::Component;
use jiff::Timestamp;
use rules::{EmailAddress, Policy, ReversePath, parse_duration};

use super::revision;
use crate::failure::{Failure, Outcome};
use crate::screen::Screen;
use crate::system::System;
use composed::Composed;
use source::{Source, Trace};
use submit::{Envelope, Undeliverable, submit, undeliverable};
use timing::Timing;

/// `postern send`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A recipient of a domain of ours who has no mailbox is told at once, and nothing is sent.
With --subject or --body a message is built. Otherwise it is read from FILE or standard input;
Date, Message-ID and From are added where they are missing, and Bcc is taken out.

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
    #[command(flatten)]
    timing: Timing,
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
        recipients.extend(source.recipients(None).map_err(Failure::Refused)?);
    }
    let mut envelope = Envelope::new(sender, recipients);
    arguments.timing.apply(&mut envelope, Timestamp::now())?;
    if envelope.recipients.is_empty() {
        return Err(Failure::refused(
            "the message names no recipients in To, Cc or Bcc; name one by --to",
        ));
    }
    let refused = undeliverable(system, &policy, &envelope.recipients).await;
    if !refused.is_empty() {
        return Err(nothing_sent(&refused));
    }
    let accepted = submit(
        system,
        Component::Send,
        &envelope,
        source,
        &trace,
        policy_revision,
    )
    .await?;
    let sent = fate::follow(system, &accepted, &envelope.recipients, arguments.wait).await?;
    screen.show(&sent, || sent.text());
    Ok(Outcome::of(sent.ended_well()))
}

/// A message is sent to all or to nobody: who repeats the command reaches nobody twice.
pub(super) fn nothing_sent(refused: &[Undeliverable]) -> Failure {
    let refused = refused.iter().map(|refused| {
        let Undeliverable {
            recipient,
            verdict,
            reason,
        } = refused;
        format!("{recipient}: {verdict}, {reason}")
    });
    let refused: Vec<String> = refused.collect();
    Failure::Refused(format!("nothing was sent\n{}", refused.join("\n")))
}

/// Where a message comes from when nobody says.
pub(super) fn default_sender(policy: &Policy) -> Result<ReversePath, Failure> {
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

#[cfg(test)]
mod tests;
