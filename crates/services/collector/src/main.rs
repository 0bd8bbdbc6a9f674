//! `postern-collector`: mail from remote accounts.

use std::process::ExitCode;

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    service_kit::run::<collector::Config, _, _>("collector", collector::run)
}
