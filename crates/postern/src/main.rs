//! `postern`: the command line.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match postern::arguments(std::env::args_os().collect()) {
        Ok(arguments) => postern::run(arguments).await,
        Err(error) => error.exit(),
    }
}
