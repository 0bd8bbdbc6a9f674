//! `postern`: the command line.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    match postern::arguments(&words) {
        Ok(arguments) => postern::run(arguments).await,
        Err(error) => postern::not_understood(&words, &error),
    }
}
