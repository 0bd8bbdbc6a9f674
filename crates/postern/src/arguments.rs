//! What `postern` can be told.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use crate::commands::{
    certificates, config, domain, explain, network, policy, quarantine, queue, refusals, secret,
    send, sendmail, status, user,
};
use crate::up;

const AFTER_HELP: &str = "\
Exit codes: 0 done, or the answer is yes; 1 the answer is no (refused, not found, different);
2 the command was not understood; 3 the system could not be reached or failed.

Examples:
  postern up
  postern domain add example.test
  postern user add bob@example.test
  postern send --to bob@example.test --subject Hello --body 'It works.'
  postern status --json";

/// A complete mail system.
#[derive(Debug, Parser)]
#[command(name = "postern", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Folder of the system, as given to `postern up`
    #[arg(
        long,
        global = true,
        env = "POSTERN_DATA",
        default_value = ".postern",
        value_name = "DIR"
    )]
    pub data: PathBuf,
    /// Configuration of a system that runs elsewhere; its [endpoints] say where
    #[arg(long, global = true, env = "POSTERN_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON instead of tables and sentences
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole system on this machine
    Up(up::Options),
    /// Whose mail is handled, and where it goes
    #[command(subcommand)]
    Domain(domain::Command),
    /// Who has a mailbox
    #[command(subcommand)]
    User(user::Command),
    /// Messages that are on their way, and what became of those that were
    #[command(subcommand)]
    Queue(queue::Command),
    /// Mail that was accepted and is kept back until you decide
    #[command(subcommand)]
    Quarantine(quarantine::Command),
    /// What processes need to start: check it, and a reference of every key
    #[command(subcommand)]
    Config(config::Command),
    /// What was refused, and why
    #[command(subcommand)]
    Refusals(refusals::Command),
    /// The policy as a document, and its revisions
    #[command(subcommand)]
    Policy(policy::Command),
    /// Passwords that the policy names: gateway logins, collection accounts
    #[command(subcommand)]
    Secret(secret::Command),
    /// What runs, what waits, what was collected
    Status(status::Arguments),
    /// Put a message into the queue
    Send(send::Arguments),
    /// Send a message the way that programs expect of every mail system
    Sendmail(sendmail::Arguments),
    /// Play a session that has not happened, and say what would become of it and why
    Explain(Box<explain::Arguments>),
    /// This machine's interfaces and gateways, and whom the SMTP server trusts for where they are
    Network(network::Arguments),
    /// Make certificates for services on several machines or in containers
    Certificates(certificates::Arguments),
}

/// Whether words that were not understood ask for JSON.
pub(crate) fn ask_json(words: &[OsString]) -> bool {
    let mut options = words.iter().skip(1).take_while(|word| *word != "--");
    options.any(|word| word == "--json")
}

/// What to do about options that exclude each other. The usage that clap would show names all but one of
/// them, and says no more.
pub(crate) fn conflict(error: &clap::Error) -> Option<String> {
    if error.kind() != ErrorKind::ArgumentConflict {
        return None;
    }
    let option = |kind| match error.get(kind)? {
        ContextValue::String(text) => Some(bare(text).to_owned()),
        ContextValue::Strings(texts) => {
            let options: Vec<&str> = texts.iter().map(|text| bare(text)).collect();
            Some(options.join(" or "))
        }
        _ => None,
    };
    let given = option(ContextKind::InvalidArg)?;
    let sentence = match option(ContextKind::PriorArg) {
        Some(prior) if prior != given => {
            format!("{given} and {prior} exclude each other: give one of them")
        }
        _ => format!("{given} can be given once only"),
    };
    Some(format!("{sentence}. --help says what each does"))
}

/// `--catch-all <MAILBOX>` without what it takes.
fn bare(option: &str) -> &str {
    option.split(' ').next().unwrap_or(option)
}

/// What cannot be understood, without the usage and the hints that are for people.
pub(crate) fn reason(error: &clap::Error) -> String {
    if let Some(sentence) = conflict(error) {
        return sentence;
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let end = ["\n\nUsage:", "\n\nFor more information"]
        .iter()
        .filter_map(|end| text.find(end))
        .min();
    text[..end.unwrap_or(text.len())].trim_end().to_owned()
}

#[cfg(test)]
mod tests;
