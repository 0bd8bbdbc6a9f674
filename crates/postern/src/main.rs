//! `postern`: the command line.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    postern::run(postern::Arguments::parse()).await
}
