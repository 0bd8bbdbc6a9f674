//! `postern`: the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A complete mail system.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder of the system
    #[arg(
        long,
        global = true,
        env = "POSTERN_DATA",
        default_value = ".postern",
        value_name = "DIR"
    )]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the whole system on this machine
    Up(postern::up::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Command::Up(options) = arguments.command;
    match postern::up::run(&arguments.data, &options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            let _unread = writeln!(std::io::stderr(), "postern: {error:#}");
            ExitCode::FAILURE
        }
    }
}
