//! One file for each command.

pub(crate) mod certificates;
pub(crate) mod config;
pub(crate) mod domain;
pub(crate) mod explain;
mod limit;
pub(crate) mod network;
pub(crate) mod policy;
mod policy_file;
pub(crate) mod quarantine;
pub(crate) mod queue;
pub(crate) mod refusals;
pub(crate) mod secret;
pub(crate) mod send;
pub(crate) mod sendmail;
mod since;
pub(crate) mod status;
pub(crate) mod user;

use administration::Administration;

use crate::arguments::Command;
use crate::failure::{Failure, Outcome};
use crate::screen::Screen;

/// Runs a command that uses a running system.
pub(crate) async fn run(
    command: Command,
    administration: &Administration,
    screen: &Screen,
) -> Result<Outcome, Failure> {
    match command {
        // Handled elsewhere: they have exit codes of their own.
        Command::Up(_) | Command::Sendmail(_) | Command::Config(_) => Ok(Outcome::Done),
        Command::Certificates(arguments) => certificates::run(&arguments, screen),
        Command::Network(arguments) => network::run(&arguments, administration, screen),
        Command::Domain(command) => domain::run(command, administration, screen).await,
        Command::User(command) => user::run(command, administration, screen).await,
        Command::Queue(command) => queue::run(command, administration, screen).await,
        Command::Quarantine(command) => quarantine::run(command, administration, screen).await,
        Command::Refusals(command) => refusals::run(command, administration, screen).await,
        Command::Policy(command) => policy::run(command, administration, screen).await,
        Command::Secret(command) => secret::run(command, administration, screen).await,
        Command::Status(arguments) => status::run(&arguments, administration, screen).await,
        Command::Send(arguments) => send::run(arguments, administration, screen).await,
        Command::Explain(arguments) => explain::run(*arguments, administration, screen).await,
    }
}
