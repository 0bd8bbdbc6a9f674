//! The arguments of `postern`.

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
2 invalid command line; 3 the system cannot be reached, or failed.

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
    /// Configuration of a system that runs elsewhere; its [endpoints] give the addresses
    #[arg(long, global = true, env = "POSTERN_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON instead of tables and sentences
    #[arg(long, global = true)]
    pub json: bool,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole system on this machine
    Up(up::Options),
    /// Domains and the routes of their mail
    #[command(subcommand)]
    Domain(domain::Command),
    /// Users and their mailboxes
    #[command(subcommand)]
    User(user::Command),
    /// Messages in transit, and the history of others
    #[command(subcommand)]
    Queue(queue::Command),
    /// Accepted mail that waits for your decision
    #[command(subcommand)]
    Quarantine(quarantine::Command),
    /// The configuration of the processes: check it, and a reference of every key
    #[command(subcommand)]
    Config(config::Command),
    /// Refused mail and logins, with the reasons
    #[command(subcommand)]
    Refusals(refusals::Command),
    /// The policy as a document, and its revisions
    #[command(subcommand)]
    Policy(policy::Command),
    /// Passwords named in the policy: gateway logins, collection accounts
    #[command(subcommand)]
    Secret(secret::Command),
    /// State of processes, queue and collection
    Status(status::Arguments),
    /// Put a message into the queue
    Send(send::Arguments),
    /// Send a message like the `sendmail` command of other mail systems
    Sendmail(sendmail::Arguments),
    /// Play a simulated session, and show the result with reasons
    Explain(Box<explain::Arguments>),
    /// This machine's interfaces and gateways, as the SMTP server classifies them
    Network(network::Arguments),
    /// Create certificates for services on several machines or in containers
    Certificates(certificates::Arguments),
}

/// Whether an invalid command line asks for JSON.
pub(crate) fn ask_json(words: &[OsString]) -> bool {
    let mut options = words.iter().skip(1).take_while(|word| *word != "--");
    options.any(|word| word == "--json")
}

/// The remedy for options that exclude each other. clap's own usage line omits one of them.
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

/// `--catch-all <MAILBOX>` without its value.
fn bare(option: &str) -> &str {
    option.split(' ').next().unwrap_or(option)
}

/// The error of a command line, without the usage and the hints for people.
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
