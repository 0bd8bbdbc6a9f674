//! `postern-pop3`: mailboxes over POP3.

use std::process::ExitCode;

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    service_kit::run::<pop3::Config, _, _>("pop3", pop3::run)
}
