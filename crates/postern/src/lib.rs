//! The command line of Postern, and `postern up`: the whole system on one machine.
//!
//! Every command is a file in `commands`, with its arguments and its output, as a table for people or as
//! JSON. Its work is an operation of the library `administration`.

mod arguments;
mod commands;
mod failure;
mod prompt;
mod screen;
pub mod up;

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use administration::{Actor, Administration, System};
use clap::Parser as _;

pub use arguments::{Arguments, Command};
pub use failure::{Failure, Outcome};

use screen::Screen;

/// Parses a command line. Called by the name `sendmail`, the program is that command.
///
/// # Errors
/// An invalid command line, or a request for help.
pub fn arguments(words: &[OsString]) -> Result<Arguments, clap::Error> {
    if is_sendmail(words) {
        let ours = ["postern", "sendmail", "--"].map(OsString::from);
        let theirs = words.iter().skip(1).cloned();
        return Arguments::try_parse_from(ours.into_iter().chain(theirs));
    }
    if words.is_empty() {
        return Arguments::try_parse_from(["postern"]);
    }
    Arguments::try_parse_from(words)
}

fn is_sendmail(words: &[OsString]) -> bool {
    let name = words.first().and_then(|name| Path::new(name).file_name());
    name == Some(OsStr::new("sendmail"))
}

/// Prints the error of a command line in the requested form, or the requested help.
pub fn not_understood(words: &[OsString], error: &clap::Error) -> ExitCode {
    if error.use_stderr() && !is_sendmail(words) && arguments::ask_json(words) {
        let failure = Failure::Usage(arguments::reason(error));
        Screen::new(true).complain(&failure);
    } else if let Some(sentence) = arguments::conflict(error) {
        let _gone = writeln!(std::io::stderr(), "postern: {sentence}");
    } else {
        // A reader that has closed is no failure.
        let _gone = error.print();
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Runs a command; errors are printed on standard error.
pub async fn run(arguments: Arguments) -> ExitCode {
    let screen = Screen::new(arguments.json);
    let result = match arguments.command {
        Command::Up(options) => up::run(&arguments.data, &options)
            .await
            .map(|()| Outcome::Done)
            .map_err(Failure::from),
        Command::Sendmail(own) => {
            let config = arguments.config.as_deref();
            return commands::sendmail::run(own, &arguments.data, config, actor(), &screen).await;
        }
        // No system needs to run, and the file may be unreadable.
        Command::Config(command) => {
            let config = arguments.config.as_deref();
            commands::config::run(&command, &arguments.data, config, &screen)
        }
        command => match System::find(&arguments.data, arguments.config.as_deref()) {
            Ok(system) => {
                let administration = Administration::new(system, actor());
                commands::run(command, &administration, &screen).await
            }
            Err(error) => Err(Failure::from(error)),
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

/// The actor: the user of the command.
fn actor() -> Actor {
    let name = ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    Actor {
        name: name.unwrap_or_else(|| "postern".to_owned()),
        from: None,
    }
}
