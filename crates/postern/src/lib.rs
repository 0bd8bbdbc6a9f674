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

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

pub use arguments::{Arguments, Command};
pub use failure::{Failure, Outcome};

use screen::Screen;
use system::System;

/// Reads the words of a command line. Called by the name of `sendmail`, it is that command.
///
/// # Errors
/// What cannot be understood, and help.
pub fn arguments(words: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let (name, words) = match words.split_first() {
        Some((name, words)) => (name.clone(), words.to_vec()),
        None => (OsString::from("postern"), words),
    };
    if Path::new(&name).file_name() == Some(OsStr::new("sendmail")) {
        let ours = ["postern", "sendmail", "--"].map(OsString::from);
        return Arguments::try_parse_from(ours.into_iter().chain(words));
    }
    Arguments::try_parse_from(std::iter::once(name).chain(words))
}

/// Runs a command; what went wrong is said on standard error.
pub async fn run(arguments: Arguments) -> ExitCode {
    let screen = Screen::new(arguments.json);
    let result = match arguments.command {
        Command::Up(options) => up::run(&arguments.data, &options)
            .await
            .map(|()| Outcome::Done)
            .map_err(Failure::from),
        Command::Sendmail(own) => {
            let config = arguments.config.as_deref();
            return commands::sendmail::run(own, &arguments.data, config, &screen).await;
        }
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
