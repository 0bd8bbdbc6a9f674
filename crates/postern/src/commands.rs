//! One file a command.

mod asked;
pub(crate) mod certificates;
pub(crate) mod config;
mod consequences;
pub(crate) mod domain;
pub(crate) mod explain;
pub(crate) mod message_name;
pub(crate) mod network;
pub(crate) mod policy;
pub(crate) mod quarantine;
pub(crate) mod queue;
pub(crate) mod refusals;
mod revision;
pub(crate) mod secret;
pub(crate) mod send;
pub(crate) mod sendmail;
mod since;
pub(crate) mod status;
pub(crate) mod user;

use crate::arguments::Command;
use crate::failure::{Failure, Outcome};
use crate::screen::Screen;
use crate::system::System;

/// Runs a command that speaks to a running system.
pub(crate) async fn run(
    command: Command,
    system: &System,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        // Not run here: they end in their own ways.
        Command::Up(_) | Command::Sendmail(_) | Command::Config(_) => Ok(Outcome::Done),
        Command::Certificates(arguments) => certificates::run(&arguments, screen),
        Command::Network(arguments) => network::run(&arguments, system, screen),
        Command::Domain(command) => domain::run(command, system, screen).await,
        Command::User(command) => user::run(command, system, screen).await,
        Command::Queue(command) => queue::run(command, system, screen).await,
        Command::Quarantine(command) => quarantine::run(command, system, screen).await,
        Command::Refusals(command) => refusals::run(command, system, screen).await,
        Command::Policy(command) => policy::run(command, system, screen).await,
        Command::Secret(command) => secret::run(command, system, screen).await,
        Command::Status(arguments) => status::run(&arguments, system, screen).await,
        Command::Send(arguments) => send::run(arguments, system, screen).await,
        Command::Explain(arguments) => explain::run(*arguments, system, screen).await,
    }
}
