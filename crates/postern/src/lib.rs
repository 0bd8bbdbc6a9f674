//! The command line of Postern, and `postern up`: the whole system on one machine.
//!
//! Every command is a file in `commands`: its arguments, what it asks of the services, and what it
//! prints, as a table for people or as JSON. Nothing here is decided that a service decides.

mod arguments;
mod commands;
mod failure;
mod policy_document;
mod prompt;
mod screen;
mod system;
mod unified_diff;
pub mod up;

use std::process::ExitCode;

pub use arguments::{Arguments, Command};
pub use failure::{Failure, Outcome};

use screen::Screen;
use system::System;

/// Runs a command; what went wrong is said on standard error.
pub async fn run(arguments: Arguments) -> ExitCode {
    let screen = Screen::new(arguments.json);
    let result = match arguments.command {
        Command::Up(options) => up::run(&arguments.data, &options)
            .await
            .map(|()| Outcome::Done)
            .map_err(Failure::from),
        command => match System::find(&arguments.data, arguments.config.as_deref()) {
            Ok(system) => commands::run(command, &system, &screen).await,
            Err(failure) => Err(failure),
        },
    };
    match result {
        Ok(outcome) => outcome.exit_code(),
        Err(failure) => {
            screen.complain(&failure);
            failure.exit_code()
        }
    }
}
